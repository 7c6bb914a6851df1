"""What browsers are told with every answer: take it for what it says it is, show it in no frame, run nothing of it.

The page runs scripts and styles of this server, and none that stands in it. That of the documentation has one in itself
too: a policy of its own names it by its digest.
"""

import re
from base64 import b64encode
from collections.abc import Awaitable, Sequence
from hashlib import sha256

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.urls import route_path

Headers = list[tuple[bytes, bytes]]

HOME = "/"
PAGES = ("/docs", "/docs/oauth2-redirect")
POLICY_NAME = b"content-security-policy"
POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"  # browsers style an image that they open
)
HOME_POLICY = (
    b"default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
PAGE_POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SCRIPT = re.compile(rb"<script>(.+?)</script>", re.DOTALL)
ALWAYS: Headers = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")  # a year


def for_browsers(origins: Sequence[str]) -> Headers:
    """The headers of all answers but those of the documentation's pages.

    Pages of the same site, such as another port of this machine, may show an image of this server without asking. Where
    pages of other origins may use the API, they may too.
    """
    resources = b"cross-origin" if origins else b"same-site"
    return [*ALWAYS, (b"cross-origin-resource-policy", resources), (POLICY_NAME, POLICY)]


class OfAnswers:
    """The headers by the request; that of HSTS is for those that a proxy carries over TLS."""

    def __init__(self, headers: Headers) -> None:
        self._plain, self._secure = headers, [*headers, STRICT_TRANSPORT]

    def to(self, scope: Scope) -> Headers:
        """Those of the answer to a request, once a proxy was heard on its scheme and path."""
        headers = self._secure if scope["scheme"] == "https" else self._plain
        path: str = scope["path"]
        if path.endswith(HOME) and route_path(scope) == HOME:
            return [(name, HOME_POLICY if name == POLICY_NAME else value) for name, value in headers]
        return [header for header in headers if header[0] != POLICY_NAME] if is_page(scope) else headers


def is_page(scope: Scope) -> bool:
    """Whether a request is for a page of the documentation."""
    path: str = scope["path"]
    return path.endswith(PAGES) and route_path(scope) in PAGES


class AllowOwnScripts:
    """Adds the policy of the documentation's pages, each of which comes in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on, and add to the answer."""
        is_for_page = scope["type"] == "http" and is_page(scope)
        return (self._add if is_for_page else self._app)(scope, receive, send)

    async def _add(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if start:
                policy = (POLICY_NAME, _policy(message.get("body", b"")))
                await send({**start, "headers": [*start["headers"], policy]})
                start.clear()
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _policy(page: bytes) -> bytes:
    digests = [b64encode(sha256(script).digest()).decode() for script in SCRIPT.findall(page)]
    return PAGE_POLICY.format(scripts=" ".join(f"'sha256-{digest}'" for digest in digests)).encode()
