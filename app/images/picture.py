"""A picture: a query with nothing left open. Its URL, its rules and its bytes follow from it alone."""

from dataclasses import dataclass, replace
from typing import Self

from app.images.formats import Format
from app.images.query import GridQuery
from models.grid import square_columns


@dataclass(frozen=True)
class Picture:
    """The fields of a `GridQuery`, each with the value that it is drawn with.

    A field that the query has and this class lacks makes `of` fail, so that none can be forgotten.
    """

    n: int  # images of a frame
    seed: int  # of a walk, the first
    interpolate: str | None
    frames: int  # 1 for a picture that stands still
    start: int
    digit: str | None
    cols: int
    pad: int
    scale: int
    invert: bool
    truncation: float
    format: Format
    model: str
    judge: str | None  # that picks the digits, where the model knows no classes

    @classmethod
    def of(cls, query: GridQuery, format_: Format, model: str, judge: str | None, seed: int) -> Self:
        """The picture that a query asks for, a function of the arguments alone.

        They say what the query may leave open: `model` and `judge` are ids, `seed` counts where the query names none.
        """
        walk = _seeds(query.interpolate)
        resolved = {
            "seed": walk[0] if walk else seed if query.seed is None else query.seed,
            "frames": query.frames if walk else 1,
            "cols": query.cols or square_columns(query.n),
            "format": format_,
            "model": model,
            "judge": judge,
        }
        return cls(**{**vars(query), **resolved})  # iterating over a pydantic model takes 60 times as long

    @property
    def walk(self) -> tuple[int, int] | None:
        """The seeds to walk from and to; None for a picture that stands still."""
        return _seeds(self.interpolate)

    @property
    def digits(self) -> list[int] | None:
        """The wanted digits, one an image, cycling; None for whatever comes."""
        return None if self.digit is None else [int(digit) for digit in self.digit]

    def single(self, k: int) -> Self:
        """Image k by itself, as a PNG."""
        return replace(self, n=1, start=k, cols=1, format="png")


def _seeds(interpolate: str | None) -> tuple[int, int] | None:
    if interpolate is None:
        return None
    first, last = map(int, interpolate.split(","))
    return first, last
