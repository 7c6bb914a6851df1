"""The access log: a line for each request, once its answer is complete or its client has gone."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)


class LogRequests:
    """Logs each request: its route, status, duration, bytes and client."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look at the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, sent = time.perf_counter(), 0, 0

        async def send_and_count(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_and_count)
        finally:
            _log(scope, status, sent, 1000 * (time.perf_counter() - begun))


def _log(scope: Scope, status: int, sent: int, ms: float) -> None:
    """Without a status where there was no answer."""
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    client = scope.get("client") or ("-", 0)
    fields = {
        "client": client[0],
        "method": scope["method"],
        "target": target,
        "route": getattr(scope.get("route"), "path", None),
        "status": status or None,
        "bytes": sent,
        "duration_ms": round(ms, 3),
    }
    logger.info(
        '%s "%s %s" %s, %d bytes, %.1f ms',
        *(client[0], scope["method"], target, status or "no answer", sent, ms),
        extra={"fields": fields},
    )
