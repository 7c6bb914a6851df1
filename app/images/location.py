"""The canonical URL of a picture, its ETag, and the way back.

The URL is built from the fields of the query, so a new field is part of it. It omits defaults, and fields that have no
meaning for the picture; `rules.py` refuses a query that names one of those. The ETag is a digest of the URL. So two
pictures that differ have different URLs and ETags.
"""

from functools import lru_cache
from hashlib import sha256
from urllib.parse import parse_qsl, quote_plus

from app.images.picture import Picture
from app.images.query import PARAMETERS, GridQuery
from app.images.rules import MEANINGS

PATH = "/generate"
UNQUOTED = {"nudge": ",:", "model": ",@"}  # beside letters, digits and `_.-~`; commas in all others
ALWAYS = {"n", "start", "frames", "pad", "scale"}  # in the URL even with their defaults

# The fields of a query in order: name, parameter, the value that is omitted, where the field has a meaning, and
# what is not quoted.
_NOTHING = object()
_FIELDS = [
    (
        name,
        PARAMETERS[name],
        _NOTHING if name in ALWAYS else field.default,
        MEANINGS.get(name),
        UNQUOTED.get(name, ","),
    )
    for name, field in GridQuery.model_fields.items()
    if name != "dataset"  # the model stands for it
]


class NotALocation(ValueError):
    """A URL that does not name one picture."""


@lru_cache(256)  # a route, an encoder and the text of a PNG ask for the same one
def location(picture: Picture) -> str:
    """The canonical URL of a picture, relative to the root of a server."""
    parameters = []
    for name, parameter, default, meaning, unquoted in _FIELDS:
        value = getattr(picture, name)
        if value != default and (meaning is None or meaning.holds(picture)):
            parameters.append(f"{parameter}={_text(value, unquoted)}")
    return f"{PATH}?{'&'.join(parameters)}"


def picture_at(url: str) -> Picture:
    """The picture that a URL relative to the root of a server names. Raises NotALocation if it leaves a choice open."""
    path, _, parameters = url.partition("?")
    try:
        query = GridQuery.model_validate(dict(parse_qsl(parameters, keep_blank_values=True, max_num_fields=100)))
    except ValueError as error:  # pydantic's ValidationError too
        raise NotALocation("is not one of those that draw") from error
    if path != PATH or not query.names_seeds or query.model is None or query.format is None:
        raise NotALocation("leaves open what it draws")
    return Picture.of(query, query.format, query.model, query.judge, seed=0)


def etag(url: str, weights: str | None = None) -> str:
    """A strong ETag from the URL instead of the bytes, so that it is known before anything is drawn.

    Pass the URL as the client sees it: the URLs inside JSON include a proxy's root path too. `weights` are those of a
    checkpoint, which its URL does not name: an epoch that came again has another tag.
    """
    named = url if weights is None else f"{url} {weights}"
    return f'"{sha256(named.encode()).hexdigest()[:32]}"'


def _text(value: object, unquoted: str) -> str:
    if isinstance(value, str):
        return quote_plus(value, safe=unquoted)
    return str(value).lower() if isinstance(value, bool) else str(value)
