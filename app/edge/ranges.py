"""Ranges: those in bytes are served. A range in another unit is as if it were not asked for (RFC 9110, 14.2)."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send


class IgnoreOtherUnits:
    """Takes a `Range` in a unit other than bytes out of the request. Starlette would answer it with 400."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on."""
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == b"range" and _is_other(value):
                    scope["headers"] = [header for header in scope["headers"] if header != (name, value)]
        return self._app(scope, receive, send)


def _is_other(value: bytes) -> bool:
    unit, separator, _ = value.partition(b"=")
    return bool(separator) and unit.strip().lower() != b"bytes"
