"""Drawing images from a generator: the only inference path, for the API and for the trainer's sample grids.

Image k of a seed is a pure function of (weights, seed, k) on one kind of device: z is drawn from a counter-based
generator keyed by (seed, k), and G always runs on a full batch of `BATCH` rows, so that no image's bytes depend on
how many others were asked for. The result is pixels as they are served.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.dcgan import IMAGE_SIZE, Generator

BATCH = 16


def latents(seed: int, start: int, n: int, z_dim: int, classes: int = 0, wanted: Sequence[int] | None = None) -> Tensor:
    """The latents of images `start` to `start + n - 1` of a seed: [n, z_dim + classes] float32.

    They are standard normal. Behind them stands, where there are `classes`, that of the image, one-hot; each is as
    likely as any other. With `wanted` classes, image k has the k-th of them, cycling, and the z that it has without.
    Each row comes from a Philox generator (Salmon et al., 2011, "Parallel random numbers: as easy
    as 1, 2, 3") of its own. `seed` and `start + n` must lie in 0..2**53 - 1.
    """
    rows = np.zeros((n, z_dim + classes), dtype=np.float32)
    for k, row in enumerate(rows, start):
        generator = np.random.Generator(np.random.Philox(key=np.array([seed, k], dtype=np.uint64)))
        generator.standard_normal(out=row[:z_dim], dtype=np.float32)
        if classes:
            row[z_dim + (wanted[k % len(wanted)] if wanted else generator.integers(classes))] = 1.0
    return torch.from_numpy(rows)


def to_pixels(images: Tensor) -> Tensor:
    """Map [-1, 1] to the grey values 0..255 (uint8), rounding to the nearest."""
    return images.mul(127.5).add(127.5).round().clamp(0, 255).to(torch.uint8)


def draw(G: Generator, seed: int, start: int, n: int, wanted: Sequence[int] | None = None) -> np.ndarray:
    """Draw images `start` to `start + n - 1` of a seed: uint8 [n, 28, 28], 0 is black.

    With `wanted` classes, which only a G that has classes takes, image k is of the k-th of them, cycling.
    """
    return draw_latents(G, latents(seed, start, n, G.z_dim, G.classes, wanted))


@torch.inference_mode()
def draw_latents(G: Generator, rows: Tensor) -> np.ndarray:
    """Draw the images of latents [n, z_dim + classes]: uint8 [n, 28, 28], 0 is black.

    G must be in evaluation mode; ValueError otherwise, because a training-mode batch would mix its images.
    """
    if G.training:
        raise ValueError("G is in training mode; call G.eval() before drawing")
    device = next(G.parameters()).device
    pixels = np.empty((len(rows), IMAGE_SIZE, IMAGE_SIZE), dtype=np.uint8)
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        z = torch.zeros(BATCH, G.z_dim + G.classes)
        z[: len(some)] = some
        images = to_pixels(G(z.to(device)))  # [BATCH, 1, 28, 28]
        pixels[first : first + len(some)] = images[: len(some), 0].cpu().numpy()
    return pixels
