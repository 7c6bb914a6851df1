"""A plane of latents: at its whole-number points lie seeds, and between them mixes of the four seeds around.

`models/sampling.py` has the latents of seeds, and draws these with the same G in the same batches.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.recipe import MAX_SEED
from models.sampling import latents

UNIT = 1000  # thousandths: how a coordinate is counted
WIDTH = 1000  # seeds in a row: the seed at (x, y) is x + 1000 * y
LAST_X = WIDTH - 1
LAST_Y = (MAX_SEED + 1) // WIDTH - 1  # of the last row that is whole


class Point(NamedTuple):
    """A point of the plane in thousandths: x in 0..999,000 and y in 0..1000 * `LAST_Y`."""

    x: int
    y: int

    @property
    def corners(self) -> list[tuple[int, int]]:
        """The seeds around with their weights, which are integers above 0: one seed, two, or four.

        In the order (x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1). Weights are bilinear, in millionths.
        """
        (left, right), (top, bottom) = divmod(self.x, UNIT), divmod(self.y, UNIT)
        weights = [
            (
                left + column + WIDTH * (top + row),
                (right if column else UNIT - right) * (bottom if row else UNIT - bottom),
            )
            for row in (0, 1)
            for column in (0, 1)
        ]
        return [(seed, weight) for seed, weight in weights if weight]

    @property
    def nearest(self) -> int:
        """The seed with the largest weight; of equals the first."""
        return max(self.corners, key=lambda corner: corner[1])[0]


def latents_at(
    point: Point,
    start: int,
    n: int,
    z_dim: int,
    classes: int = 0,
    wanted: Sequence[int] | None = None,
    shares: Sequence[float] | None = None,
) -> Tensor:
    """The latents of images `start` to `start + n - 1` at a point: [n, z_dim + classes] float32.

    z of image k is the mix of those of image k of the corners, divided by the root of the sum of squared weights: so
    it is standard normal again, where the plain mean of four would lie at half the distance from the mean, and draw
    images as `truncation=0.5` does. At a whole-number point it is the seed's, to the last bit. The class is that of the
    nearest corner, or the wanted one; the other arguments are those of `latents`.
    """
    corners = point.corners
    rows = latents(point.nearest, start, n, z_dim, classes, wanted, shares)
    if len(corners) == 1:
        return rows
    mixed = np.zeros((n, z_dim))
    for seed, weight in corners:
        mixed += weight * latents(seed, start, n, z_dim).numpy().astype(np.float64)
    mixed /= np.sqrt(sum(weight * weight for _, weight in corners))
    rows[:, :z_dim] = torch.from_numpy(mixed.astype(np.float32))
    return rows
