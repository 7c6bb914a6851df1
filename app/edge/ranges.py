"""Ranges: those in bytes are served. A range in another unit is as if it were not asked for (RFC 9110, 14.2)."""

from starlette.types import ASGIApp, Receive, Scope, Send


class IgnoreOtherUnits:
    """Takes a `Range` in a unit other than bytes out of the request. Starlette would answer it with 400."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and any(_is_other(*header) for header in scope["headers"]):
            scope["headers"] = [header for header in scope["headers"] if not _is_other(*header)]
        await self._app(scope, receive, send)


def _is_other(name: bytes, value: bytes) -> bool:
    if name != b"range":
        return False
    unit, separator, _ = value.partition(b"=")
    return bool(separator) and unit.strip().lower() != b"bytes"
