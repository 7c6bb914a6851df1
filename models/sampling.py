"""Drawing images from a generator: the only inference path, for the API and for the trainer's sample grids.

Image k of a seed is a pure function of (weights, seed, k) on one kind of device: z is drawn from a counter-based
generator keyed by (seed, k), and G always runs on a full batch of `BATCH` rows, so that no image's bytes depend on
how many others were asked for, or on whose they were. The result is pixels as they are served.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.dcgan import IMAGE_SIZE, Generator
from models.folding import FoldedGenerator

BATCH = 16


class Span(NamedTuple):
    """Images `start` to `start + n - 1` of a seed; with `wanted` classes, image k is of the k-th of them, cycling."""

    seed: int
    start: int
    n: int
    wanted: Sequence[int] | None = None


def latents(seed: int, start: int, n: int, z_dim: int, classes: int = 0, wanted: Sequence[int] | None = None) -> Tensor:
    """The latents of images `start` to `start + n - 1` of a seed: [n, z_dim + classes] float32.

    They are standard normal. Behind them stands, where there are `classes`, that of the image, one-hot; each is as
    likely as any other. With `wanted` classes, image k has the k-th of them, cycling, and the z that it has without.
    Each row comes from a Philox generator (Salmon et al., 2011, "Parallel random numbers: as easy
    as 1, 2, 3") of its own. `seed` and `start + n` must lie in 0..2**53 - 1.
    """
    rows = np.zeros((n, z_dim + classes), dtype=np.float32)
    _fill(rows, [Span(seed, start, n, wanted)], z_dim, classes)
    return torch.from_numpy(rows)


def _fill(rows: np.ndarray, spans: Sequence[Span], z_dim: int, classes: int) -> None:
    """Write the latents of all spans, one after another, into zeroed rows.

    One generator is set back for each row, which takes a third of the time of a new one.
    """
    philox = np.random.Philox(key=0)
    generator = np.random.Generator(philox)
    fresh = philox.state
    key = fresh["state"]["key"]
    images = ((span, k) for span in spans for k in range(span.start, span.start + span.n))
    for row, (span, k) in zip(rows, images, strict=False):
        key[0], key[1] = span.seed, k
        philox.state = fresh
        generator.standard_normal(out=row[:z_dim], dtype=np.float32)
        if classes:
            row[z_dim + (span.wanted[k % len(span.wanted)] if span.wanted else generator.integers(classes))] = 1.0


def to_pixels(images: Tensor) -> Tensor:
    """Map [-1, 1] to the grey values 0..255 (uint8), rounding to the nearest."""
    return images.mul(127.5).add(127.5).round().clamp(0, 255).to(torch.uint8)


@torch.inference_mode()
def draw_batch(G: FoldedGenerator, spans: Sequence[Span]) -> np.ndarray:
    """Draw up to `BATCH` images of any seeds with one forward pass: uint8 [images, 28, 28], span after span."""
    z = np.zeros((BATCH, G.z_dim + G.classes), dtype=np.float32)
    _fill(z, spans, G.z_dim, G.classes)
    images = sum(span.n for span in spans)
    drawn: np.ndarray = to_pixels(G(torch.from_numpy(z).to(G.device))).cpu().numpy()
    return drawn[:images]


def draw(
    G: Generator | FoldedGenerator, seed: int, start: int, n: int, wanted: Sequence[int] | None = None
) -> np.ndarray:
    """Draw images `start` to `start + n - 1` of a seed: uint8 [n, 28, 28], 0 is black.

    With `wanted` classes, which only a G that has classes takes, image k is of the k-th of them, cycling.

    G must be in evaluation mode; ValueError otherwise, because a training-mode batch would mix its images.
    """
    folded = G if isinstance(G, FoldedGenerator) else FoldedGenerator(G)
    pixels = np.empty((n, IMAGE_SIZE, IMAGE_SIZE), dtype=np.uint8)
    for first in range(0, n, BATCH):
        rows = min(BATCH, n - first)
        pixels[first : first + rows] = draw_batch(folded, [Span(seed, start + first, rows, wanted)])
    return pixels
