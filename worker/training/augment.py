"""Augmentation of D's input, for real and generated images alike (Zhao et al., 2020, arXiv:2006.10738).

Differentiable, so that G learns through it. Digits are never flipped: a mirrored digit is another sign.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from core.recipe import Augment

MAX_SHIFT = 3  # pixels
CUTOUT_SIZE = 10  # pixels
BLACK = -1.0


def augment(images: Tensor, kind: Augment) -> Tensor:
    """Augment each image of [B, 1, 28, 28] in [-1, 1] by a draw of its own; `none` returns the input."""
    match kind:
        case "none":
            return images
        case "translate":
            return _translate(images)
        case "cutout":
            return _cutout(images)


def _translate(images: Tensor) -> Tensor:
    """Shift by up to `MAX_SHIFT` pixels in both directions; black comes in."""
    b, _, h, w = images.shape
    padded = F.pad(images, (MAX_SHIFT,) * 4, value=BLACK)  # [B, 1, H+2S, W+2S]
    dy, dx = torch.randint(0, 2 * MAX_SHIFT + 1, (2, b, 1, 1), device=images.device)
    rows = dy + torch.arange(h, device=images.device).view(1, h, 1)  # [B, H, 1]
    columns = dx + torch.arange(w, device=images.device).view(1, 1, w)  # [B, 1, W]
    batch = torch.arange(b, device=images.device).view(b, 1, 1)
    return padded[:, 0][batch, rows, columns].unsqueeze(1)


def _cutout(images: Tensor) -> Tensor:
    """Blacken a square of `CUTOUT_SIZE` pixels whose centre lies anywhere in the image."""
    b, _, h, w = images.shape
    cy = torch.randint(0, h, (b, 1, 1, 1), device=images.device)
    cx = torch.randint(0, w, (b, 1, 1, 1), device=images.device)
    dy = torch.arange(h, device=images.device).view(1, 1, h, 1) - cy + CUTOUT_SIZE // 2
    dx = torch.arange(w, device=images.device).view(1, 1, 1, w) - cx + CUTOUT_SIZE // 2
    inside = (dy >= 0) & (dy < CUTOUT_SIZE) & (dx >= 0) & (dx < CUTOUT_SIZE)
    return images.masked_fill(inside, BLACK)
