"""bfloat16 for the wide layers, those that a step spends most of its time in: torch's automatic mixed precision.

bfloat16 has the range of float32 in half the bytes, with 8 bits of precision instead of 24, so losses need no scaling.
Factors and results of these layers' products are rounded to it, forward and backward. Weights, Adam, BatchNorm, images
and logits stay float32: from generated images that are rounded D would learn the rounding.

Sources: Micikevicius et al., 2018, arXiv:1710.03740; Kalamkar et al., 2019, arXiv:1905.12322.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from core.recipe import Precision
from models.dcgan import Logit
from models.image_layers import IMAGE_CHANNELS

Layer = Callable[[Tensor], Tensor]


def in_precision(layer: nn.Module, precision: Precision, device: torch.device) -> Layer:
    """How training runs a layer of G or D on `device`: as it is, or in bfloat16 where that is asked for and it is wide.

    Weights and values are float32 either way, and the layer itself is left alone.
    """
    return _in_bfloat16(layer, device) if precision == "bfloat16" and _is_wide(layer) else layer


def in_turn(layers: Sequence[Layer]) -> Layer:
    """Layers one after the other."""

    def run(x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(x)
        return x

    return run


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16.

    Without them it takes longer than float32, and on a processor without AVX-512 many times as long.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(bool(there) for name, there in torch.cpu.get_capabilities().items() if "bf16" in name)


def _is_wide(layer: nn.Module) -> bool:
    """All layers of products are, but those from or to images and the logit."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return min(layer.in_channels, layer.out_channels) not in IMAGE_CHANNELS
    return isinstance(layer, nn.Linear) and not isinstance(layer, Logit)


def _in_bfloat16(layer: nn.Module, device: torch.device) -> Layer:
    def run(x: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
            return layer(x).float()  # type: ignore[no-any-return]

    return run
