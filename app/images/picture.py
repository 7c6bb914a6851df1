"""A picture: a query with every open choice made. Its URL and its bytes depend on nothing else."""

from dataclasses import dataclass, replace
from typing import Self

from app.images.formats import Format
from app.images.latent_texts import point_of
from app.images.query import GridQuery
from models.grid import square_columns


@dataclass(frozen=True)
class Picture:
    """The fields of a `GridQuery`, each with the value that is drawn; `model` stands for `dataset` too.

    `of` fails for a query field that this class lacks, so none can be forgotten.
    """

    n: int  # images of a frame
    seed: int  # the first one of a walk; the one that is nearest to a point
    at: str | None
    interpolate: str | None
    frames: int  # 1 for a still picture
    start: int
    digit: str | None
    class_: str | None
    cols: int
    pad: int
    scale: int
    invert: bool
    truncation: float
    nudge: str | None
    format: Format
    model: str
    judge: str | None  # picks the images for a model without classes
    weights: str | None = None  # the id of what draws where `model` names a checkpoint of a job

    @property
    def model_id(self) -> str:
        """The id of the weights that draw."""
        return self.weights or self.model

    @classmethod
    def of(cls, query: GridQuery, format_: Format, model: str, judge: str | None, seed: int) -> Self:
        """Resolve a query. A pure function.

        `model` is the id of the model that draws, `judge` that of the judge that picks the classes, if one does. `seed`
        is used only if the query names no seed. The classes stay as they were asked for: see `classes.py`.
        """
        walk = _seeds(query.interpolate)
        resolved = {
            "seed": _seed(query, walk, seed),
            "frames": query.frames if walk else 1,
            "cols": query.cols or square_columns(query.n),
            "format": format_,
            "model": model,
            "judge": judge,
        }
        asked = {**vars(query), **resolved}  # iterating over a pydantic model takes 60 times as long
        del asked["dataset"]
        return cls(**asked)

    @property
    def walk(self) -> tuple[int, int] | None:
        """The seeds to walk from and to; None for a still picture."""
        return _seeds(self.interpolate)

    @property
    def wants_classes(self) -> bool:
        """Whether it says of which classes the images are."""
        return self.digit is not None or self.class_ is not None

    def single(self, k: int) -> Self:
        """Image k alone, as a PNG."""
        return replace(self, n=1, start=k, cols=1, format="png")


def _seed(query: GridQuery, walk: tuple[int, int] | None, otherwise: int) -> int:
    if query.seed is not None:
        return query.seed
    if walk:
        return walk[0]
    return otherwise if query.at is None else point_of(query.at).nearest


def _seeds(interpolate: str | None) -> tuple[int, int] | None:
    if interpolate is None:
        return None
    first, last = map(int, interpolate.split(","))
    return first, last
