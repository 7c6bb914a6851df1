"""Sources of images: a seed, a point between seeds, a walk between two, or a judge's picks among the images of a seed.

A source holds a loaded generator and is immutable, so any thread may ask it for any of its images.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from torch import Tensor

from models.directions import nudged
from models.folding import BATCH, FoldedGenerator
from models.judge import Judge
from models.picking import search
from models.plane import Point, latents_at
from models.sampling import latents
from models.walk import truncated, walk


class UnknownClass(Exception):
    """A class that a model cannot draw."""


@dataclass(frozen=True, eq=False)
class SeedSource:
    """Images `start` to `start + n - 1` of a seed.

    With `wanted` classes, image k is of the k-th of them, cycling. Raises UnknownClass for one that G does not have.
    Their z is scaled by `truncation` first; then `step` [z_dim] is added.
    """

    G: FoldedGenerator
    n: int
    seed: int
    start: int = 0
    wanted: Sequence[int] | None = None
    truncation: float = 1.0
    step: Tensor | None = None

    def __post_init__(self) -> None:
        _check(self.wanted, self.G.classes)

    @property
    def cost(self) -> int:
        """That of an image, in images of a batch: 1, or more where G takes long."""
        return BATCH // self.G.turn

    def rows(self, first: int, n: int) -> Tensor:
        """The latents of its images `first` to `first + n - 1`: [n, z_dim + classes]."""
        G = self.G
        rows = latents(self.seed, self.start + first, n, G.z_dim, G.classes, self.wanted, G.class_shares)
        return _changed(rows, G.z_dim, self.truncation, self.step)


@dataclass(frozen=True, eq=False)
class PlaneSource:
    """Images `start` to `start + n - 1` at a point between seeds. The other fields are those of SeedSource."""

    G: FoldedGenerator
    n: int
    point: Point
    start: int = 0
    wanted: Sequence[int] | None = None
    truncation: float = 1.0
    step: Tensor | None = None

    def __post_init__(self) -> None:
        _check(self.wanted, self.G.classes)

    @property
    def cost(self) -> int:
        """As of SeedSource."""
        return BATCH // self.G.turn

    def rows(self, first: int, n: int) -> Tensor:
        """The latents of its images `first` to `first + n - 1`: [n, z_dim + classes]."""
        G = self.G
        rows = latents_at(self.point, self.start + first, n, G.z_dim, G.classes, self.wanted, G.class_shares)
        return _changed(rows, G.z_dim, self.truncation, self.step)


@dataclass(frozen=True, eq=False)
class WalkSource:
    """Images `start` to `start + n_frame - 1` on the way from one seed to another, frame by frame.

    `wanted`, `truncation`, `step` and UnknownClass are those of SeedSource.
    """

    G: FoldedGenerator
    n_frame: int
    frames: int
    seeds: tuple[int, int]
    start: int = 0
    wanted: Sequence[int] | None = None
    truncation: float = 1.0
    step: Tensor | None = None

    def __post_init__(self) -> None:
        _check(self.wanted, self.G.classes)

    @property
    def cost(self) -> int:
        """As of SeedSource."""
        return BATCH // self.G.turn

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
        rows = walk(self.seeds, self.frames, self.start, self.n_frame, G.z_dim, G.classes, self.wanted, G.class_shares)
        return _changed(rows, G.z_dim, self.truncation, self.step)


@dataclass(frozen=True, eq=False)
class PickSource:
    """Images `start` to `start + n - 1` of a seed as a judge picks them, image k of the k-th wanted class, cycling.

    For a G without classes. The judge searches up to 8 batches for each image, so an image costs a batch at least.
    Raises UnknownClass for one that the judge does not know.
    """

    cost: ClassVar[int] = BATCH

    G: FoldedGenerator
    n: int
    seed: int
    start: int
    wanted: Sequence[int]
    judge: Judge

    def __post_init__(self) -> None:
        _check(self.wanted, self.judge.classes)

    def search(self, first: int) -> Iterator[np.ndarray]:
        """Look for its image `first`: see `models.picking.search`."""
        k = self.start + first
        return search(self.G, self.judge, self.seed, k, self.wanted[k % len(self.wanted)])


Source = SeedSource | PlaneSource | WalkSource | PickSource


def _changed(rows: Tensor, z_dim: int, truncation: float, step: Tensor | None) -> Tensor:
    if truncation != 1:
        rows = truncated(rows, z_dim, truncation)
    return rows if step is None else nudged(rows, step)


def _check(wanted: Sequence[int] | None, classes: int) -> None:
    if wanted and max(wanted) >= classes:
        allowed = f"0 to {classes - 1}" if classes else "none: the model has no classes, its data set no judge"
        raise UnknownClass(f"the model cannot draw {max(wanted)}; allowed: {allowed}")
