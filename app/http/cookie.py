"""The cookie of the page at `/` (RFC 6265). It carries the key itself: a key that ends, ends there too.

It counts for requests of this server's own pages alone. `SameSite=Strict` keeps browsers from sending it with requests
of other sites. Another port, or another name below the same domain, is no other site:
`app/http/sources.py` tells those.
"""

from starlette.types import Scope

from app.http.sources import SAFE, Source, source_of
from app.http.urls import root_path

COOKIE = "digitforge"
LONGEST_S = 30 * 86_400
_BEFORE = f"{COOKIE}=".encode()


def key_in_cookie(scope: Scope) -> bytes | None:
    """The key that a request's cookie carries; None without one, and where it does not count."""
    found = next((value for name, value in scope["headers"] if name == b"cookie" and _BEFORE in value), None)
    if found is None:
        return None
    source = source_of(scope)
    if source is Source.ELSEWHERE or (source is Source.UNTOLD and scope["method"] not in SAFE):
        return None
    pairs = (pair.strip() for pair in found.split(b";"))
    return next((pair.removeprefix(_BEFORE) for pair in pairs if pair.startswith(_BEFORE)), None)


def setting_cookie(scope: Scope, key: str, seconds: int) -> dict[str, str]:
    """The header that has a browser keep a key, for so long."""
    secure = "; Secure" if scope["scheme"] == "https" else ""
    kept = f"Path={root_path.get() or '/'}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    return {"Set-Cookie": f"{COOKIE}={key}; {kept}"}


def clearing_cookie(scope: Scope) -> dict[str, str]:
    """The header that has a browser forget it."""
    return setting_cookie(scope, "", 0)
