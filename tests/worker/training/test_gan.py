"""What a CUDA graph asks of a step: the same operations on the same tensors each time, and no look at their values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from core.recipe import PRESETS, Recipe
from tests.imported import colourful
from tests.tiny import digit_like, tiny_recipe
from worker.training.data import Dataset
from worker.training.gan import Gan, one_hot, seed_all

META = torch.device("meta")  # a device whose tensors have no values: to ask for one is an error
IMAGES = 24
RECIPES: dict[str, Recipe] = {
    **{name: preset.model_copy(update={"batch_size": 4}) for name, preset in PRESETS.items()},
    "more updates": tiny_recipe(d_steps=3, g_steps=2),
    "penalised": tiny_recipe(d_steps=2, r1_gamma=0.5),
    "translated": tiny_recipe(augment="translate", d_layers=1),
    "cut out": tiny_recipe(augment="cutout", d_norm="batch"),
    "colour, four layers": tiny_recipe(augment="diffaugment", d_layers=4, r1_gamma=0.5, classes=4),
    "large, in colour": tiny_recipe(augment="translate", d_layers=1),
}
SHAPES = {"colour, four layers": 32, "large, in colour": 64}  # sides of those in colour


ADAM = torch.ops.aten._fused_adam_.tensor_lr  # not there for the meta device, and its work is in place


class Recorded(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The operations of a `with` block. Tensors that were there before go by their names, others by their shapes.

    A tensor of the CPU among them would be a copy that no recording can hold.
    """

    def __init__(self, known: dict[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._names = {id(tensor): name for name, tensor in known.items()}
        self.operations: list[str] = []  # with all arguments that are no tensors

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        described = torch.utils._pytree.tree_map_only(Tensor, self._describe, (args, kwargs))
        self.operations.append(f"{func} {described}")
        result = None if func is ADAM else func(*args, **(kwargs or {}))
        torch.utils._pytree.tree_map_only(Tensor, self._describe, result)
        return result

    def _describe(self, tensor: Tensor) -> str:
        assert tensor.device == META
        return self._names.get(id(tensor), f"{tensor.dtype} {list(tensor.shape)}")


def gan_of(name: str) -> Gan:
    recipe = RECIPES[name]
    labels = torch.arange(IMAGES) % recipe.classes if recipe.classes else None
    if name in SHAPES:
        shares = (0.5, 0.25, 0.25, 0.0) if recipe.classes else None
        images = torch.from_numpy(colourful(IMAGES, SHAPES[name]))
        return Gan(recipe, Dataset(images, labels, "0" * 64, class_shares=shares), META)
    return Gan(recipe, Dataset(torch.from_numpy(digit_like(IMAGES, 0)[..., None]), labels, "0" * 64), META)


def state(gan: Gan) -> dict[str, Tensor]:
    """Every tensor that outlives a step, by name. Gradients do not."""
    tensors = {"chosen": gan.chosen, "epoch means": gan.epoch_means.sums, "recent means": gan.recent_means.sums}
    for name, network in gan.networks.items():
        tensors |= {f"{name} {key}": tensor for key, tensor in network.named_parameters()}
        tensors |= {f"{name} {key}": tensor for key, tensor in network.named_buffers()}
    tensors |= {"images": gan._images} | ({} if gan._labels is None else {"labels": gan._labels})
    tensors |= {} if gan._bounds is None else {"bounds of classes": gan._bounds}
    for name, optimizer in (("opt_G", gan.opt_G), ("opt_D", gan.opt_D)):
        assert isinstance(optimizer._rate, Tensor)
        tensors[f"{name} rate"] = optimizer._rate
        tensors |= {f"{name} {key}": tensor for key, tensor in optimizer.tensors.items()}
    return tensors


def recorded_step(gan: Gan, number: int) -> list[str]:
    gan.chosen.copy_(torch.randperm(IMAGES)[: len(gan.chosen)])
    gan.set_rates(1 / number)
    seed_all(0, "step", number)
    recorded = Recorded(state(gan))
    with recorded:
        gan.step()
    return recorded.operations


@pytest.mark.parametrize("name", RECIPES)
def test_every_step_is_the_same_operations_on_the_same_tensors(name: str) -> None:
    gan = gan_of(name)
    before = state(gan)
    first, second = recorded_step(gan, 1), recorded_step(gan, 2)
    assert first == second
    untouched = {name for name in before if not any(name in operation for operation in first)}
    averaged = [*gan.G_ema.named_buffers(), *(gan.G_ema.named_parameters() if gan._decay == 0 else [])]
    assert untouched == {f"G_ema {name}" for name, _ in averaged}
    after = state(gan)
    assert all(after[key] is tensor for key, tensor in before.items())


@pytest.mark.parametrize("look", [lambda x: x.item(), bool, lambda x: x.nonzero()])
def test_a_look_at_a_value_would_be_an_error(look: Callable[[Tensor], Any]) -> None:
    with pytest.raises((RuntimeError, NotImplementedError)):
        look(torch.zeros((), device=META))


def test_a_class_is_drawn_as_often_as_it_is_among_the_images() -> None:
    labels = torch.tensor([0] * 18 + [2] * 6)
    images = torch.from_numpy(colourful(IMAGES))
    recipe = tiny_recipe(classes=3, batch_size=1000)
    gan = Gan(recipe, Dataset(images, labels, "0" * 64, class_shares=(0.75, 0.0, 0.25)), torch.device("cpu"))
    seed_all(0, "step", 0)
    _, classes = gan._latents()
    assert classes is not None
    often, never, seldom = classes.sum(0).tolist()
    assert never == 0
    assert often == pytest.approx(750, abs=60)
    assert often + seldom == 1000


def test_one_hot() -> None:
    assert np.array_equal(one_hot(torch.tensor([2, 0]), 3), [[0, 0, 1], [1, 0, 0]])
