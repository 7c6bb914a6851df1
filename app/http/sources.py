"""Where a request comes from, as its browser says.

Browsers say so in `Sec-Fetch-Site` over HTTPS and on loopback addresses, and in `Origin` with every unsafe method; no
page can make them say something else (Fetch Metadata, W3C; RFC 6454, section 7). Programs send neither.
"""

from enum import Enum, auto

from starlette.types import Scope

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = (b"same-origin", b"none")  # `none` is the reader, who typed a URL


class Source(Enum):
    """Who made a browser send a request."""

    OWN = auto()  # a page of this server, or the reader
    ELSEWHERE = auto()
    UNTOLD = auto()  # a program, or a browser that reads and does not say


def source_of(scope: Scope) -> Source:
    """Where a request comes from, once a proxy was heard on its host."""
    host, site, origins = b"", b"", []
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"sec-fetch-site":
            site = value
        elif name == b"origin":
            origins.append(value)
    if site:
        return Source.OWN if site in OWN_SITES else Source.ELSEWHERE
    if not origins:
        return Source.UNTOLD
    return Source.OWN if all(is_own(origin, host) for origin in origins) else Source.ELSEWHERE


def is_own(origin: bytes, host: bytes) -> bool:
    """Whether an `Origin` is the one that a `Host` stands for."""
    scheme, separator, authority = origin.lower().partition(b"://")
    return scheme in (b"http", b"https") and bool(separator) and bool(host) and authority == host.lower()
