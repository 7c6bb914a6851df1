"""How a device runs the networks forward in training."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.dcgan import Discriminator
from models.recipe import Recipe
from worker.training.cpu import DiscriminatorOnCPU

RunD = Callable[[Tensor, Tensor | None], Tensor]


def prepare(network: nn.Module, device: torch.device) -> None:
    """Bring a network to its device, its weights in the memory layout that convolutions are fastest with."""
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stub


def runner(D: Discriminator, recipe: Recipe, device: torch.device) -> RunD:
    """D as a function, in training mode: images and their classes to logits."""
    return D if device.type != "cpu" else DiscriminatorOnCPU(D, differentiated_twice=recipe.r1_gamma > 0)
