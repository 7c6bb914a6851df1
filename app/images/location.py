"""The URL of a picture, and back. It is made of the fields of the query, so a field that is added there is in it.

The ETag is made of the URL. A field is left out where it is as by default, and where it has no meaning for the picture;
a query that asks for it there is refused. So two pictures that differ have different URLs and ETags.
"""

from hashlib import sha256
from urllib.parse import parse_qsl, quote_plus

from app.images.picture import Picture
from app.images.query import GridQuery
from app.images.rules import MEANINGS

PATH = "/generate"
ALWAYS = {"n", "start", "frames", "pad", "scale"}  # told even where they are as they are by default

# Each field of a query in its order: its name, its default unless it is told always, where it has a meaning.
_TOLD_ALWAYS = object()
_FIELDS = [
    (name, _TOLD_ALWAYS if name in ALWAYS else field.default, MEANINGS.get(name))
    for name, field in GridQuery.model_fields.items()
]


class NotALocation(ValueError):
    """A URL that no picture has."""


def location(picture: Picture) -> str:
    """The canonical URL of a picture, from the root of a server."""
    told = []
    for name, default, meaning in _FIELDS:
        value = getattr(picture, name)
        if value != default and (meaning is None or meaning.holds(picture)):
            told.append(f"{name}={_text(value)}")
    return f"{PATH}?{'&'.join(told)}"


def picture_at(url: str) -> Picture:
    """The picture that a URL from the root of a server names. Raises NotALocation where it leaves something open."""
    path, _, parameters = url.partition("?")
    try:
        query = GridQuery.model_validate(dict(parse_qsl(parameters, keep_blank_values=True, max_num_fields=100)))
    except ValueError as error:  # pydantic's ValidationError too
        raise NotALocation("is not one of those that draw") from error
    if path != PATH or not query.names_seeds or query.model is None or query.format is None:
        raise NotALocation("leaves open what it draws")
    return Picture.of(query, query.format, query.model, query.judge, seed=0)


def etag(url: str) -> str:
    """A strong ETag, of the URL instead of the bytes: it is known before anything is drawn.

    The URL is the one that the client reaches it at, because the URLs in JSON have a proxy's path too.
    """
    return f'"{sha256(url.encode()).hexdigest()[:32]}"'


def _text(value: object) -> str:
    if isinstance(value, str):
        return quote_plus(value, safe=",")
    return str(value).lower() if isinstance(value, bool) else str(value)
