"""How a device runs the networks forward in training."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.dcgan import Discriminator, Generator
from models.recipe import Recipe
from worker.training.cpu import DiscriminatorOnCPU, GeneratorOnCPU, store_for_products

RunG = Callable[[Tensor], Tensor]
RunD = Callable[[Tensor, Tensor | None], Tensor]


def prepare(network: nn.Module, device: torch.device) -> None:
    """Bring a network to its device, its weights in the memory layout that the device's runner reads."""
    network.to(device)
    if device.type == "cpu":
        store_for_products(network)
    else:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stub


def runners(G: Generator, D: Discriminator, recipe: Recipe, device: torch.device) -> tuple[RunG, RunD]:
    """The two networks as functions, in training mode: latents to images, and images and classes to logits."""
    if device.type != "cpu":
        return G, D
    penalised_pool = recipe.d_layers == 1 and recipe.r1_gamma > 0  # is differentiated twice
    return GeneratorOnCPU(G), D if penalised_pool else DiscriminatorOnCPU(D)
