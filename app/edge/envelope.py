"""What is around every request and its answer: an id, what browsers are told, and that it is counted.

One layer for all three, because each one that looks at an answer costs every request some microseconds.
"""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.headers import Headers, OfAnswers
from app.edge.request_ids import identify, request_ids
from app.metrics.meters import Meters
from app.metrics.requests import Watched


class Envelope:
    """It comes before everything else, so that no answer is without."""

    def __init__(self, app: ASGIApp, headers: Headers, meters: Meters | None) -> None:
        """`headers` are those for browsers. Without meters nothing is counted."""
        self._app, self._headers, self._meters = app, OfAnswers(headers), meters
        self._ids = request_ids()  # it begins with the first request, after the fork

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        of_answers, request_id = self._headers, identify(scope, self._ids)
        watched = None if self._meters is None else Watched(scope, self._meters)

        def send_on(message: Message) -> Awaitable[None]:  # without a coroutine of its own, which costs more
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *of_answers.to(scope), request_id]
                if watched is not None:
                    watched.answer(message["status"])
            return send(message)

        if watched is None:
            await self._app(scope, receive, send_on)
            return
        try:
            await self._app(scope, receive, send_on)
        finally:
            watched.end()
