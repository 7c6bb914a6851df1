"""D as it is trained is D: same values, same gradients, of first and second order."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from core.image_shape import GREY_28, ImageShape
from models.dcgan import Discriminator
from tests.tiny import networks, tiny_recipe
from worker.training.fast_discriminator import FastDiscriminator, dropout

BATCH = 5
WIDTHS: dict[str, dict[str, Any]] = {
    "one layer": {"d_layers": 1},
    "two layers": {"d_layers": 2},
    "three layers": {"d_layers": 3},
    "four layers": {"d_layers": 4},
    "narrow": {"d_filters": 1},
    "no slope": {"leaky_slope": 0.0, "d_layers": 2},
}


SHAPES = [ImageShape.model_validate({"side": side, "channels": c}) for side, c in [(28, 1), (16, 1), (20, 3), (32, 3)]]


Runner = Callable[[Tensor], Tensor]


def discriminator(name: str, shape: ImageShape = GREY_28) -> Discriminator:
    _, D = networks(tiny_recipe(dropout=0.0, **WIDTHS[name]), shape=shape)
    return D.double()


def some_images(shape: ImageShape = GREY_28) -> Tensor:
    torch.manual_seed(1)
    return torch.rand(BATCH, shape.channels, shape.side, shape.side, dtype=torch.double) * 2 - 1


def values_and_gradients(D: Discriminator, run: Runner, images: Tensor) -> list[Tensor]:
    x = images.clone().requires_grad_()
    y = run(x)
    return [y, *torch.autograd.grad(y.square().sum(), [x, *D.parameters()])]


@pytest.mark.parametrize("on_cpu", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", WIDTHS)
def test_d_in_training_is_d(name: str, shape: ImageShape, on_cpu: bool) -> None:
    D, images = discriminator(name, shape), some_images(shape)
    expected = values_and_gradients(D, D, images)
    torch.testing.assert_close(values_and_gradients(D, FastDiscriminator(D, on_cpu=on_cpu), images), expected)


@pytest.mark.parametrize("on_cpu", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", WIDTHS)
def test_the_gradient_of_a_gradient_is_that_of_d(name: str, shape: ImageShape, on_cpu: bool) -> None:
    D, images = discriminator(name, shape), some_images(shape)

    def penalty_gradients(run: Runner) -> tuple[Tensor, ...]:
        x = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(run(x).square().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), list(D.parameters()), materialize_grads=True)

    expected = penalty_gradients(D)
    torch.testing.assert_close(penalty_gradients(FastDiscriminator(D, on_cpu=on_cpu)), expected)


def test_equal_pixels_give_the_gradient_to_the_first_of_a_pool() -> None:
    D = discriminator("one layer")
    black = torch.full((BATCH, 1, 28, 28), -1.0, dtype=torch.double)
    expected = values_and_gradients(D, D, black)
    torch.testing.assert_close(values_and_gradients(D, FastDiscriminator(D, on_cpu=True), black), expected)


def test_on_a_gpu_another_of_equal_pixels_gives_the_weights_the_same_gradient() -> None:
    D = discriminator("one layer")
    black = torch.full((BATCH, 1, 28, 28), -1.0, dtype=torch.double)
    expected = values_and_gradients(D, D, black)
    logits, _, *gradients = values_and_gradients(D, FastDiscriminator(D, on_cpu=False), black)
    torch.testing.assert_close([logits, *gradients], [expected[0], *expected[2:]])


@pytest.mark.parametrize("knobs", [{}, {"classes": 4}, {"d_layers": 2}, {"d_layers": 2, "d_norm": "batch"}])
@pytest.mark.parametrize("penalised", [False, True])
@pytest.mark.parametrize("on_cpu", [True, False])
def test_real_and_generated_images_are_judged_as_one_after_the_other(
    on_cpu: bool, penalised: bool, knobs: dict[str, Any]
) -> None:
    _, D = networks(tiny_recipe(**{"d_layers": 1, "dropout": 0.0, **knobs}))
    D = D.double()
    real, fake = some_images().requires_grad_(penalised), some_images().flip(0)
    of_real, of_fake = torch.eye(4, dtype=torch.double)[torch.arange(2 * BATCH) % 4].chunk(2)
    classes = (of_real, of_fake) if "classes" in knobs else (None, None)
    expected = [D(images, some) for images, some in zip((real, fake), classes, strict=True)]
    found = FastDiscriminator(D, on_cpu=on_cpu).both(real, fake, *classes)
    parameters = list(D.parameters())
    torch.testing.assert_close(found, tuple(expected))
    ours, theirs = (torch.autograd.grad(a.square().sum() + b.exp().sum(), parameters) for a, b in (found, expected))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("p", [0.3, 0.5, 0.95])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(1_000_003)
    y = dropout(x, p)
    kept = y != 0
    assert kept.float().mean().item() == pytest.approx(1 - p, abs=4 * (p * (1 - p) / len(x)) ** 0.5 + 2**-16)
    scale = y[kept][0].item()
    assert scale == pytest.approx(1 / (1 - p), rel=1e-3)
    assert (y[kept] == scale).all()


def test_dropout_draws_each_value_on_its_own() -> None:
    torch.manual_seed(0)
    kept = (dropout(torch.ones(1_000_000), 0.5) != 0).double() - 0.5
    for shift in (1, 2, 3, 4, 5, 64):
        assert abs((kept[shift:] * kept[:-shift]).mean().item()) < 4 * 0.25 / 1_000_000**0.5


def test_dropout_is_a_function_of_the_seed() -> None:
    def draw(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return torch.cat([dropout(torch.ones(10), 0.5), dropout(torch.ones(10), 0.5)])

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))
    first, second = draw(3).chunk(2)
    assert not torch.equal(first, second)


def test_dropout_of_nothing_is_nothing() -> None:
    x = torch.randn(4)
    assert dropout(x, 0.0) is x


def test_the_gradient_goes_where_dropout_kept() -> None:
    x = torch.randn(100, requires_grad=True)
    y = dropout(x, 0.5)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, torch.where(y != 0, torch.tensor(2.0), torch.tensor(0.0)))
