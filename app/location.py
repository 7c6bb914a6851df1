"""The URL of a picture, made of the fields of its query: a field that is added there is in the URL by itself.

The ETag is made of the URL. A field is left out where it is as by default, and where it has no meaning for the picture;
a query that asks for it there is refused. So two pictures that differ have different URLs and ETags.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlencode

from app.formats import GRIDS, MEDIA_TYPES
from app.schemas import GridQuery

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
    told = {
        name: _text(getattr(query, name))
        for name, field in type(query).model_fields.items()
        if _has_meaning(query, name) and (name in ALWAYS or getattr(query, name) != field.default)
    }
    return f"{PATH}?{urlencode(told, safe=',')}"


def etag(url: str) -> str:
    """A strong ETag, of the URL instead of the bytes: it is known before anything is drawn."""
    return f'"{sha256(url.encode()).hexdigest()[:32]}"'


def meaningless(asked: GridQuery, closed: GridQuery) -> Iterator[tuple[str, str]]:
    """The fields that were asked for and have no meaning, each with what is allowed.

    `closed` is the same query once it leaves nothing open.
    """
    for name in type(asked).model_fields:
        if name in asked.model_fields_set and getattr(asked, name) is not None and not _has_meaning(closed, name):
            yield name, MEANINGS[name].otherwise.format(format=closed.format)


def _has_meaning(query: GridQuery, name: str) -> bool:
    return name not in MEANINGS or MEANINGS[name].holds(query)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
