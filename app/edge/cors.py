"""Pages of the origins in `DIGITFORGE_CORS_ORIGINS` may use the API from a browser (Fetch standard, 3.3).

No cookie and no other credential of the browser's own goes with their requests; a page that has a key sends it itself.
"""

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
EXPOSED = b"*"  # every header of an answer; it means all where the browser sends no credentials of its own
KEPT_S = b"600"  # how long a browser remembers what it may send
VARY = (b"vary", b"Origin")  # with every answer: a cache must not give a page one without the permission

_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:[ \t]*,[ \t]*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")


class ShareWithOrigins:
    """Answers preflights of listed origins, and lets their pages read the answers."""

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it only asks what a page may send."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"])
        origin = said.get(b"origin", b"")
        added = [VARY]
        if origin in self._origins:
            added.append((b"access-control-allow-origin", origin))
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in said:
                headers = [*added, *_permission(said.get(b"access-control-request-headers", b""))]
                await send({"type": "http.response.start", "status": 204, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
            added.append((b"access-control-expose-headers", EXPOSED))

        async def send_with_permission(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_permission)


def _permission(asked: bytes) -> list[tuple[bytes, bytes]]:
    """The methods, and the headers that the browser asks for: there is none that a page may not send."""
    allowed = [(b"access-control-allow-headers", asked)] if _NAMES.fullmatch(asked) else []
    return [(b"access-control-allow-methods", METHODS), *allowed, (b"access-control-max-age", KEPT_S)]
