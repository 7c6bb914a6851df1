"""Augmentation of D's input, for real and generated images alike (Zhao et al., 2020, arXiv:2006.10738).

Differentiable, so that G learns through it. Images are never flipped: a mirrored digit is another sign. Nor does
`diffaugment` cut anything out, as the paper has it: with few images that leaks into those that are drawn.
"""

import threading

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.image_shape import GREY_28
from core.recipe import Augment

MAX_SHIFT = 3  # pixels, of 28; the larger the images, the more
CUTOUT_SIZE = 10  # pixels, of 28
SHIFTED_SHARE = 0.125  # of the side, by `diffaugment`
BLACK = -1.0

_one_at_a_time = threading.Lock()


def augment(images: Tensor, kind: Augment) -> Tensor:
    """Augment each image of [B, C, H, W] in [-1, 1] by a draw of its own; `none` returns the input.

    The colours of `diffaugment` may leave the range.
    """
    match kind:
        case "none":
            return images
        case "translate":
            return _translate(images)
        case "cutout":
            return _cutout(images)
        case "diffaugment":
            return _shift_within_the_edge(_colour(images))


def augmented(images: np.ndarray, kind: Augment, seed: int) -> np.ndarray:
    """What `augment` makes of uint8 [N, H, W, C], as pixels: always the same for a seed. For any thread."""
    scaled = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    with _one_at_a_time, torch.random.fork_rng(devices=[]):  # the draws are those of torch's own generator
        torch.manual_seed(seed)
        seen = augment(scaled, kind)
    pixels: np.ndarray = ((seen + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return pixels


def _translate(images: Tensor) -> Tensor:
    """Shift by up to `MAX_SHIFT` in both directions; black comes in."""
    reach = _scaled(MAX_SHIFT, images)
    padded = F.pad(images, (reach,) * 4, value=BLACK)  # [B, C, H+2S, W+2S]
    rows, columns = _shifted(images, reach)
    return _picked(padded, rows, columns)


def _shift_within_the_edge(images: Tensor) -> Tensor:
    """Shift by up to `SHIFTED_SHARE` of the side in both directions; the edge's own pixels come in."""
    reach = round(SHIFTED_SHARE * images.shape[2])
    rows, columns = ((places - reach).clamp(0, images.shape[2] - 1) for places in _shifted(images, reach))
    return _picked(images, rows, columns)


def _scaled(pixels: int, images: Tensor) -> int:
    """So many pixels of 28, in images of another side."""
    return round(pixels * images.shape[2] / GREY_28.side)


def _shifted(images: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """For each of [B, C, H, W] where its rows [B, 1, H, 1] and columns [B, 1, 1, W] begin, moved by 0 to 2 * reach."""
    b, _, h, w = images.shape
    dy, dx = torch.randint(0, 2 * reach + 1, (2, b, 1, 1, 1), device=images.device)
    rows = dy + torch.arange(h, device=images.device).view(1, 1, h, 1)
    columns = dx + torch.arange(w, device=images.device).view(1, 1, 1, w)
    return rows, columns


def _picked(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    b, c = images.shape[:2]
    batch = torch.arange(b, device=images.device).view(b, 1, 1, 1)
    channels = torch.arange(c, device=images.device).view(1, c, 1, 1)
    picked: Tensor = images[batch, channels, rows, columns]
    return picked


def _colour(images: Tensor) -> Tensor:
    """Brightness moved by up to a quarter of the range, saturation scaled by 0 to 2, contrast by 0.5 to 1.5."""
    brightness, saturation, contrast = torch.rand(3, len(images), 1, 1, 1, device=images.device)
    images = images + (brightness - 0.5)
    if images.shape[1] > 1:
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * (2 * saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    coloured: Tensor = mean + (images - mean) * (contrast + 0.5)
    return coloured


def _cutout(images: Tensor) -> Tensor:
    """Blacken a square of `CUTOUT_SIZE` whose centre lies anywhere in the image."""
    b, _, h, w = images.shape
    size = _scaled(CUTOUT_SIZE, images)
    cy = torch.randint(0, h, (b, 1, 1, 1), device=images.device)
    cx = torch.randint(0, w, (b, 1, 1, 1), device=images.device)
    dy = torch.arange(h, device=images.device).view(1, 1, h, 1) - cy + size // 2
    dx = torch.arange(w, device=images.device).view(1, 1, 1, w) - cx + size // 2
    inside = (dy >= 0) & (dy < size) & (dx >= 0) & (dx < size)
    return images.masked_fill(inside, BLACK)
