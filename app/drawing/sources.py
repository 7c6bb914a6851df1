"""Sources of images: a seed, a walk between two seeds, or a judge's picks among the images of a seed.

A source holds a loaded generator and is immutable, so any thread may ask it for any of its images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from torch import Tensor

from models.folding import BATCH, FoldedGenerator
from models.judge import Judge
from models.picking import pick
from models.sampling import latents
from models.walk import truncated, walk


class UnknownDigit(Exception):
    """A digit that a model cannot draw."""


@dataclass(frozen=True, eq=False)
class SeedSource:
    """Images `start` to `start + n - 1` of a seed.

    With `digits`, image k shows the k-th of them, cycling. Raises UnknownDigit for a digit that G has no class for.
    """

    cost: ClassVar[int] = 1  # of an image, in images of a batch

    G: FoldedGenerator
    n: int
    seed: int
    start: int = 0
    digits: Sequence[int] | None = None
    truncation: float = 1.0

    def __post_init__(self) -> None:
        _check(self.digits, self.G.classes)

    def rows(self, first: int, n: int) -> Tensor:
        """The latents of its images `first` to `first + n - 1`: [n, z_dim + classes]."""
        rows = latents(self.seed, self.start + first, n, self.G.z_dim, self.G.classes, self.digits)
        return rows if self.truncation == 1 else truncated(rows, self.G.z_dim, self.truncation)


@dataclass(frozen=True, eq=False)
class WalkSource:
    """Images `start` to `start + n_frame - 1` on the way from one seed to another, frame by frame.

    `digits` and UnknownDigit are those of SeedSource.
    """

    cost: ClassVar[int] = 1

    G: FoldedGenerator
    n_frame: int
    frames: int
    seeds: tuple[int, int]
    start: int = 0
    digits: Sequence[int] | None = None
    truncation: float = 1.0

    def __post_init__(self) -> None:
        _check(self.digits, self.G.classes)

    @property
    def n(self) -> int:
        """Images of all frames."""
        return self.n_frame * self.frames

    def rows(self, first: int, n: int) -> Tensor:
        """The latents of its images `first` to `first + n - 1`: [n, z_dim + classes]."""
        return self._rows[first : first + n]

    @cached_property
    def _rows(self) -> Tensor:
        G = self.G
        rows = walk(self.seeds, self.frames, self.start, self.n_frame, G.z_dim, G.classes, self.digits)
        return rows if self.truncation == 1 else truncated(rows, G.z_dim, self.truncation)


@dataclass(frozen=True, eq=False)
class PickSource:
    """Images `start` to `start + n - 1` of a seed as a judge picks them, image k of the k-th digit, cycling.

    For a G without classes. The judge searches up to 8 batches for each image, so an image costs a batch at least.
    Raises UnknownDigit for a digit that the judge has no class for.
    """

    cost: ClassVar[int] = BATCH

    G: FoldedGenerator
    n: int
    seed: int
    start: int
    digits: Sequence[int]
    judge: Judge

    def __post_init__(self) -> None:
        _check(self.digits, self.judge.classes)

    def images(self, first: int, n: int) -> np.ndarray:
        """Its images `first` to `first + n - 1`, drawn: uint8 [n, H, W, C]."""
        return pick(self.G, self.judge, self.seed, self.start + first, n, self.digits)


Source = SeedSource | WalkSource | PickSource


def _check(digits: Sequence[int] | None, classes: int) -> None:
    if digits and max(digits) >= classes:
        allowed = f"0 to {classes - 1}" if classes else "none: the model has no classes, its data set no judge"
        raise UnknownDigit(f"the model cannot draw {max(digits)}; allowed: {allowed}")
