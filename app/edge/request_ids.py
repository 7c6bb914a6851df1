"""The id of each request: the client's own if it is sane, else a new one. It stands in the answer and in all that is
logged, and the record of a job that the request makes keeps it; so with the trace that the request is a part of.
"""

import re
import secrets
from collections.abc import Awaitable, Iterator
from itertools import count

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.guard import REQUEST_ID, TRACEPARENT
from core.log_context import begin_context
from core.traceparent import read_traceparent

HEADER, TRACE_HEADER = b"x-request-id", b"traceparent"
SANE = re.compile(rb"[0-9A-Za-z._~+/=:@-]{1,128}")

_TAILS = [f"{tail:02x}" for tail in range(256)]


def request_ids() -> Iterator[str]:
    """Ids that no other requests have: 12 random hex digits, which all have in common, and 8 that count."""
    common = secrets.token_hex(6)
    for block in count():
        start = f"{common}{block & 0xFFFFFF:06x}"
        for tail in _TAILS:  # most of an id is ready before its request comes
            yield start + tail


class GiveRequestIds:
    """Gives each request its id. It comes before everything else, so that no answer is without."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._ids = app, request_ids()  # it begins with the first request, after the fork

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and put the id into its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ids, traces = [], []
        for name, value in scope["headers"]:
            if name == HEADER:
                ids.append(value)
            elif name == TRACE_HEADER:
                traces.append(value)
        sane = len(ids) == 1 and SANE.fullmatch(ids[0])
        request_id = ids[0].decode() if sane else next(self._ids)
        scope[REQUEST_ID] = request_id
        context: dict[str, str | int] = {"request_id": request_id}
        if len(traces) == 1 and (trace := read_traceparent(text := traces[0].decode("latin-1"))):
            scope[TRACEPARENT] = text
            context |= trace._asdict()
        begin_context(context)  # not ended: each request is a task of its own
        header = (HEADER, request_id.encode())

        def send_with_id(message: Message) -> Awaitable[None]:  # without a coroutine of its own, which costs more
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], header]
            return send(message)

        await self._app(scope, receive, send_with_id)
