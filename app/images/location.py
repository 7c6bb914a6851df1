"""The URL of a picture, made of the fields of its query: a field that is added there is in the URL by itself.

The ETag is made of the URL. A field is left out where it is as by default, and where it has no meaning for the picture;
a query that asks for it there is refused. So two pictures that differ have different URLs and ETags.
"""

from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote_plus

from app.images.formats import GRIDS, MEDIA_TYPES
from app.images.query import GridQuery

PATH = "/generate"
ALWAYS = {"n", "start", "frames", "pad", "scale"}  # told even where they are as they are by default


class _Meaning(NamedTuple):
    """Where a field has a meaning, and what to say where it has none."""

    holds: Callable[[GridQuery], bool]  # of a query that leaves nothing open
    otherwise: str


def _with_formats(*formats: str) -> _Meaning:
    allowed = f"{{format}} has none; allowed: with the formats {', '.join(formats)}"
    return _Meaning(lambda query: query.format in formats, allowed)


MEANINGS = {
    "seed": _Meaning(lambda query: query.walk is None, "interpolate names the seeds; allowed: one of them"),
    "frames": _Meaning(
        lambda query: query.walk is not None, "a picture that stands still has none; allowed: with interpolate"
    ),
    "cols": _with_formats(*GRIDS),
    "pad": _with_formats(*GRIDS),
    "scale": _with_formats(*(kind for kind in MEDIA_TYPES if kind != "npz")),
    "judge": _Meaning(
        lambda query: query.digit is not None and query.judge is not None,
        "no judge picks here; allowed: with digit, for a model without classes",
    ),
}


def location(query: GridQuery) -> str:
    """The canonical URL of a query that leaves nothing open."""
    told = []
    for name, default, meaning in _fields(type(query)):
        value = getattr(query, name)
        if (value != default or name in ALWAYS) and (meaning is None or meaning.holds(query)):
            told.append(f"{name}={_text(value)}")
    return f"{PATH}?{'&'.join(told)}"


def etag(url: str) -> str:
    """A strong ETag, of the URL instead of the bytes: it is known before anything is drawn."""
    return f'"{sha256(url.encode()).hexdigest()[:32]}"'


def meaningless(asked: GridQuery, closed: GridQuery) -> Iterator[tuple[str, str]]:
    """The fields that were asked for and have no meaning, each with what is allowed.

    `closed` is the same query once it leaves nothing open.
    """
    for name, _, meaning in _fields(type(asked)):
        if (
            meaning
            and name in asked.model_fields_set
            and getattr(asked, name) is not None
            and not meaning.holds(closed)
        ):
            yield name, meaning.otherwise.format(format=closed.format)


@cache
def _fields(query: type[GridQuery]) -> list[tuple[str, object, _Meaning | None]]:
    """The fields of a query in their order: name, default, and where it has a meaning if that is not everywhere."""
    return [(name, field.default, MEANINGS.get(name)) for name, field in query.model_fields.items()]


def _text(value: object) -> str:
    if isinstance(value, str):
        return quote_plus(value, safe=",")
    return str(value).lower() if isinstance(value, bool) else str(value)
