"""Rules between parameters: where each one has a meaning, and which values exclude each other."""

from collections.abc import Callable, Iterator
from math import ceil
from typing import NamedTuple

from app.http.problems import FieldProblem, not_accepted
from app.images.formats import GRIDS, MEDIA_TYPES, MOVING, STILL, WEBP_SIDE
from app.images.latent_texts import amounts_of
from app.images.picture import Picture
from app.images.query import MAX_FRAMES, PARAMETERS, GridQuery
from core.image_shape import ImageShape

WALK_IMAGES = 1024  # of all frames: 64 batches of the generator
WALK_PIXELS = 2**22  # of all frames: seconds of the encoder


class Meaning(NamedTuple):
    """Where a parameter has a meaning, and the message for a query that names it elsewhere."""

    holds: Callable[[Picture], bool]
    otherwise: str


def _with_formats(*formats: str) -> Meaning:
    allowed = f"{{format}} has none; allowed: with the formats {', '.join(formats)}"
    return Meaning(lambda picture: picture.format in formats, allowed)


# For the parameters that do not have one everywhere.
MEANINGS = {
    "seed": Meaning(
        lambda picture: picture.interpolate is None and picture.at is None,
        "{seeds_by} names the seeds; allowed: one of them",
    ),
    "at": Meaning(lambda picture: picture.interpolate is None, "interpolate names the seeds; allowed: one of them"),
    "frames": Meaning(
        lambda picture: picture.interpolate is not None,
        "a picture that stands still has none; allowed: with interpolate",
    ),
    "cols": _with_formats(*GRIDS),
    "pad": _with_formats(*GRIDS),
    "scale": _with_formats(*(kind for kind in MEDIA_TYPES if kind != "npz")),
    "judge": Meaning(
        lambda picture: picture.wants_classes and picture.judge is not None,
        "no judge picks here; allowed: with digit or class, for a model without classes",
    ),
}


def check(query: GridQuery, picture: Picture, shape: ImageShape, z_dim: int) -> None:
    """Refuse a query with parameters that make no sense together, for a model of this shape and dimension of z.

    Raises ProblemError (422) with one entry per parameter.
    """
    faults = [*_meaningless(query, picture), *_conflicts(query, picture, shape)]
    if query.nudge:
        faults += _unknown_directions(query, query.nudge, z_dim)
    if faults:
        raise not_accepted(faults)


def _meaningless(query: GridQuery, picture: Picture) -> Iterator[FieldProblem]:
    for name, meaning in MEANINGS.items():
        if name in query.model_fields_set and getattr(query, name) is not None and not meaning.holds(picture):
            seeds_by = "at" if picture.interpolate is None else "interpolate"
            yield _fault(query, name, meaning.otherwise.format(format=picture.format, seeds_by=seeds_by))


def _conflicts(query: GridQuery, picture: Picture, shape: ImageShape) -> Iterator[FieldProblem]:
    moving = picture.interpolate is not None
    if picture.judge and (moving or picture.truncation != 1 or picture.at or picture.nudge):
        picks = "the judge picks among the images of a seed; allowed: without at, interpolate, nudge and truncation"
        yield _fault(query, "digit" if query.class_ is None else "class_", picks)
    possible = MOVING if moving else STILL
    if picture.format not in possible:
        kind = "with" if moving else "without"
        yield _fault(query, "format", f"allowed {kind} interpolate: {', '.join(possible)}")
    if picture.format == "webp" and (longest := max(_size(picture, shape))) > WEBP_SIDE:
        detail = f"this grid has {longest} pixels a side; allowed: {WEBP_SIDE} as webp, or another format"
        yield FieldProblem(parameter="format", detail=detail, value=picture.format)
    if moving:
        yield from _conflicts_of_a_walk(query, picture, shape)


def _unknown_directions(query: GridQuery, nudge: str, z_dim: int) -> Iterator[FieldProblem]:
    if unknown := [number for number, _ in amounts_of(nudge) if number >= z_dim]:
        yield _fault(query, "nudge", f"the model has no direction {unknown[0]}; allowed: 0 to {z_dim - 1}")


def _conflicts_of_a_walk(query: GridQuery, picture: Picture, shape: ImageShape) -> Iterator[FieldProblem]:
    if picture.truncation == 0:
        yield _fault(query, "truncation", "0 draws the same everywhere; allowed with interpolate: more than 0")
    height, width = _size(picture, shape)
    most = min(WALK_IMAGES // picture.n, WALK_PIXELS // (height * width), MAX_FRAMES)
    if picture.frames > most:
        allowed = f"2 to {most}" if most > 1 else "none, for the grid is too large: less n, scale or pad"
        yield _fault(query, "frames", f"allowed for a grid of this size: {allowed}")


def _fault(query: GridQuery, name: str, detail: str) -> FieldProblem:
    return FieldProblem(parameter=PARAMETERS[name], detail=detail, value=getattr(query, name))


def _size(picture: Picture, shape: ImageShape) -> tuple[int, int]:
    """Height and width of the grid in pixels."""
    cell = shape.side * picture.scale + picture.pad
    return ceil(picture.n / picture.cols) * cell - picture.pad, picture.cols * cell - picture.pad
