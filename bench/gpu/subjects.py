"""What the parts measure: a `Gan` of this project, and the loop of PyTorch's tutorials on the same device."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch

from bench.contestants.plain import batches, train_step
from bench.textbook import discriminator, generator
from core.recipe import PRESETS, PresetName, Recipe
from worker.training.cuda_graph import CudaGraph
from worker.training.data import EMBEDDED, Dataset, load_dataset, to_unit_range
from worker.training.gan import Gan, seed_all

IMAGES, FEW_IMAGES = 60_000, 2_048


def recipe_of(preset: PresetName, **knobs: object) -> Recipe:
    """A preset with some knobs turned."""
    return Recipe.model_validate({**PRESETS[preset].model_dump(), **knobs})


@cache
def mnist(classes: int, images: int) -> Dataset:
    """The first images of MNIST, with their labels where there are `classes`."""
    return load_dataset(EMBEDDED / "mnist", images, classes)


def our_step(recipe: Recipe, device: torch.device, *, rehearse: bool, cuda_graph: bool) -> Callable[[], None]:
    """One step as `worker/training/loop.py` does it: images chosen, rates set, random numbers seeded."""
    dataset = mnist(recipe.classes, FEW_IMAGES if rehearse else IMAGES)
    gan = Gan(recipe, dataset, device)
    work = CudaGraph(gan.step) if cuda_graph and device.type == "cuda" else gan.step
    order = torch.randperm(len(dataset)).to(device)
    done = 0

    def step() -> None:
        nonlocal done
        first = done * recipe.images_per_step % (len(order) - recipe.images_per_step + 1)
        gan.chosen.copy_(order[first : first + recipe.images_per_step])
        gan.set_rates(1.0)
        seed_all(recipe.seed, "step", done)
        work()
        done += 1

    return step


def plain_step(batch_size: int, device: torch.device, *, resident: bool) -> Callable[[], None]:
    """One step of the tutorials' loop with the networks of `faithful`.

    Its images come from a DataLoader, as in the tutorials, or with `resident` they lie on the device already.
    """
    do = train_step(generator().to(device), discriminator().to(device), batch_size)
    if resident:
        images = to_unit_range(mnist(0, IMAGES).images).to(device)
        return lambda: do(images[torch.randint(len(images), (batch_size,), device=device)])
    loaded = batches(batch_size)
    return lambda: do(next(loaded).to(device))


@contextmanager
def tf32(on: bool) -> Iterator[None]:
    """Let convolutions on a GPU round their factors to TF32, as torch does by default, or not."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=on):
        yield
