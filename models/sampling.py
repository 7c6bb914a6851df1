"""Drawing images from a generator: the only inference path, for the API and for the trainer's sample grids.

Image k of a seed is a pure function of (weights, seed, k) on one kind of device: z is drawn from a counter-based
generator keyed by (seed, k), and G always runs on `BATCH` rows, or where that gives the same bits on fewer, so that no
image's bytes depend on how many others were asked for, or on whose they were. The result is pixels as they are
served: uint8 [n, H, W, C], where 0 is black.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.dcgan import Generator
from models.folding import BATCH, FoldedGenerator

GPU_BATCH = 2000
CPU_BATCH = 64


def latents(
    seed: int,
    start: int,
    n: int,
    z_dim: int,
    classes: int = 0,
    wanted: Sequence[int] | None = None,
    shares: Sequence[float] | None = None,
) -> Tensor:
    """The latents of images `start` to `start + n - 1` of a seed: [n, z_dim + classes] float32.

    They are standard normal. Behind them stands, where there are `classes`, that of the image, one-hot; each is as
    likely as any other, or as `shares` say. With `wanted` classes, image k has the k-th of them, cycling, and the z
    that it has without.
    Each row comes from a Philox generator (Salmon et al., 2011, "Parallel random numbers: as easy
    as 1, 2, 3") of its own. `seed` and `start + n` must lie in 0..2**53 - 1.
    """
    rows = np.zeros((n, z_dim + classes), dtype=np.float32)
    philox = np.random.Philox(key=0)  # one that is set back for each row takes a third of the time of a new one
    generator = np.random.Generator(philox)
    fresh = philox.state
    key = fresh["state"]["key"]
    bounds = None if shares is None else share_bounds(shares)
    for k, row in enumerate(rows, start):
        key[0], key[1] = seed, k
        philox.state = fresh
        generator.standard_normal(out=row[:z_dim], dtype=np.float32)
        if classes:
            if wanted:
                chosen = wanted[k % len(wanted)]
            elif bounds is None:
                chosen = int(generator.integers(classes))
            else:
                chosen = int(bounds.searchsorted(generator.random(), side="right"))
            row[z_dim + chosen] = 1.0
    return torch.from_numpy(rows)


def share_bounds(shares: Sequence[float]) -> np.ndarray:
    """What divides 0..1 among classes by their shares: float64 [classes]; a class reaches up to its bound, without it.

    The last class that has a share has no end, because shares are rounded.
    """
    bounds = np.cumsum(shares)
    bounds[np.flatnonzero(shares)[-1] :] = np.inf
    return bounds


def to_pixels(images: Tensor) -> Tensor:
    """Map images [B, C, H, W] in [-1, 1] to pixels 0..255, uint8 [B, H, W, C], rounding to the nearest."""
    return images.mul(127.5).add_(127.5).round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


@torch.inference_mode()
def draw_batch(G: FoldedGenerator, rows: Tensor) -> np.ndarray:
    """Draw the images of up to `BATCH` latents [n, z_dim + classes] with one forward pass: uint8 [n, H, W, C]."""
    n = len(rows)
    if n < BATCH:
        padded = torch.zeros(_fitting(G.exact_rows, n), G.z_dim + G.classes)
        padded[:n] = rows
        rows = padded
    values = G.dense_stage(rows.to(G.device))
    if n < BATCH:
        size = _fitting(G.exact_sizes, n)
        values = values[:size] if size <= len(values) else F.pad(values, (0, 0, 0, size - len(values)))
    drawn: np.ndarray = to_pixels(G.convolve(values)).cpu().numpy()
    return drawn[:n]


def _fitting(sizes: Sequence[int], n: int) -> int:
    """The smallest of some ascending sizes that holds n."""
    return next(size for size in sizes if size >= n)


def draw_latents(G: Generator | FoldedGenerator, rows: Tensor) -> np.ndarray:
    """Draw the images of latents [n, z_dim + classes]: uint8 [n, H, W, C].

    G must be in evaluation mode; ValueError otherwise, because a training-mode batch would mix its images.
    """
    folded = G if isinstance(G, FoldedGenerator) else FoldedGenerator.of(G)
    return np.concatenate([draw_batch(folded, some) for some in torch.split(rows, BATCH)])


@torch.inference_mode()
def draw_in_bulk(G: Generator, rows: Tensor) -> Tensor:
    """Draw the images of latents [n, z_dim + classes] in large batches, where G is: uint8 [n, H, W, C] on that device.

    For scores: images may differ from those that are served. On a GPU about 3 of 100,000 pixels do, by one grey value;
    it would be 700 if convolutions rounded their factors to TF32, so they do not. On CPUs that were tried none did.
    """
    folded = FoldedGenerator.of(G)
    batch = GPU_BATCH if folded.device.type == "cuda" else CPU_BATCH
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return torch.cat([to_pixels(folded(some)) for some in torch.split(rows.to(folded.device), batch)])


def draw(
    G: Generator | FoldedGenerator, seed: int, start: int, n: int, wanted: Sequence[int] | None = None
) -> np.ndarray:
    """Draw images `start` to `start + n - 1` of a seed: uint8 [n, H, W, C].

    With `wanted` classes, which only a G that has classes takes, image k is of the k-th of them, cycling. Raises as
    `draw_latents` does.
    """
    return draw_latents(G, latents(seed, start, n, G.z_dim, G.classes, wanted, G.class_shares))
