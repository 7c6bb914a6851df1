"""What a request's headers ask for: which of the media types on offer, and whether it has the answer already."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from fastapi import Request

_QUALITY = re.compile(r"[01]|[01]?\.[0-9]{0,3}")
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


Offer = TypeVar("Offer", bound=str)


def accepted(request: Request, offers: Mapping[Offer, Sequence[str]]) -> Offer | None:
    """What a request's `Accept` headers like best of what is on offer; see `choose`."""
    return choose(",".join(request.headers.getlist("accept")), offers)


def choose(accept: str, offers: Mapping[Offer, Sequence[str]]) -> Offer | None:
    """The offer that an `Accept` header likes best, the first of equals; None where it takes none of them.

    `offers` maps each to the media types that it may go by. Of several ranges that match a type, the most specific
    one counts (RFC 9110, 12.5.1); one that cannot be read counts for nothing. An empty header takes all.
    """
    ranges = [_parse(part) for part in accept.split(",")] if accept.strip() else [("*/*", 1.0)]
    liking = {offer: max(_quality(name, ranges) for name in names) for offer, names in offers.items()}
    best = max(liking, key=liking.__getitem__)
    return best if liking[best] > 0 else None


def is_known(if_none_match: Sequence[str], etag: str) -> bool:
    """Whether the `If-None-Match` headers of a request, if any, name this ETag, which stands in quotes, or any (`*`).

    Weak tags match too: the comparison for this header is the weak one (RFC 9110, 13.1.2), and a proxy that packs an
    answer makes its tag weak.
    """
    tags = ",".join(if_none_match)
    return tags.strip() == "*" or etag in _ENTITY_TAG.findall(tags)


def _parse(part: str) -> tuple[str, float]:
    """A media range in lower case and its quality in 0..1."""
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, min(float(value), 1.0) if _QUALITY.fullmatch(value) and value != "." else 0.0
    return name, 1.0


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    for wanted in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        found = [quality for name, quality in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0
