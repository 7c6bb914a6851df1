"""Latents that no seed has: nearer to the mean, and on the way from one seed's to another's.

`models/sampling.py` has the latents of seeds, and draws these with the same G in the same batches.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.sampling import latents

STRAIGHT = 1e-4  # sine of the angle below which two latents lie on one line, and the way between them is straight


def truncated(rows: Tensor, z_dim: int, truncation: float) -> Tensor:
    """Latents [n, z_dim + classes] with z scaled by `truncation` in 0..1, and the class as it is.

    Less of it draws images that are more alike and more typical; 0 draws the one at the mean, of each class.
    """
    return torch.cat([rows[:, :z_dim] * truncation, rows[:, z_dim:]], dim=1)


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The point at `t` in 0..1 on the arcs from the rows of `a` to those of `b`: float32 [n, z_dim].

    Spherical linear interpolation (Shoemake, 1985) as White has it for latents (2016, "Sampling generative networks"):
    a straight line would pass nearer to the mean than normal latents lie. t = 0 gives `a` and t = 1 gives `b` to the
    last bit. Rows on one line through the origin have no arc; they are joined by a straight line.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.clip((a * b).sum(axis=1) / np.maximum(lengths, np.finfo(np.float64).tiny), -1, 1)
    angle = np.arccos(cosine)[:, None]
    sine = np.sin(angle)
    straight = sine < STRAIGHT
    divisor = np.where(straight, 1, sine)
    from_a = np.where(straight, 1 - t, np.sin((1 - t) * angle) / divisor)
    from_b = np.where(straight, t, np.sin(t * angle) / divisor)
    point: np.ndarray = from_a * a + from_b * b
    return point.astype(np.float32)


def walk(
    seeds: tuple[int, int],
    frames: int,
    start: int,
    n: int,
    z_dim: int,
    classes: int = 0,
    wanted: Sequence[int] | None = None,
    shares: Sequence[float] | None = None,
) -> Tensor:
    """The latents of images `start` to `start + n - 1` from one seed to another, frame by frame.

    [frames * n, z_dim + classes]. `frames` are 2 or more: the first has the latents of the first seed, the last the z
    of the second. The class stays that of the first seed's image, or the wanted one; `shares` are those of `latents`.
    """
    first, last = (latents(seed, start, n, z_dim, classes, wanted, shares) for seed in seeds)
    begin, end = first[:, :z_dim].numpy(), last[:, :z_dim].numpy()
    z = [torch.from_numpy(slerp(begin, end, frame / (frames - 1))) for frame in range(frames)]
    return torch.cat([torch.cat(z), first[:, z_dim:].repeat(frames, 1)], dim=1)
