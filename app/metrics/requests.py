"""Requests, counted and timed at the edge of the API: until their answer begins, so that a stream has a time too.

The route that answers names itself (`app/http/guard.py`) in what stands in the scope of each request.
"""

import time
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics.meters import OTHER, ROUTE_NUMBERS, Gauge, Meters

WATCHED = "digitforge.watched"
_OTHER, _IN_PROGRESS = ROUTE_NUMBERS[OTHER], int(Gauge.IN_PROGRESS)
_GONE = 499  # nobody was there any more to be answered, as nginx has it


class Watched:
    """One request, from its arrival to its answer."""

    __slots__ = ("_began", "_meters", "_send", "answered", "route")

    def __init__(self, meters: Meters, send: Send) -> None:
        self._meters = meters
        self._send = send
        self.route = _OTHER
        self.answered = False
        self._began = time.perf_counter()

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a part of the answer on."""
        if not self.answered and message["type"] == "http.response.start":
            self.answer(message["status"])
        return self._send(message)

    def answer(self, status: int) -> None:
        """The answer begins."""
        self.answered = True
        self._meters.answered(self.route, status, time.perf_counter() - self._began)


class CountRequests:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app, self._meters = app, meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watched = scope[WATCHED] = Watched(self._meters, send)
        own = self._meters.numbers.own
        own[_IN_PROGRESS] += 1
        try:
            await self._app(scope, receive, watched.send)
        finally:
            own[_IN_PROGRESS] -= 1
            if not watched.answered:
                watched.answer(_GONE)


def name_route(scope: Scope, route: int) -> None:
    """Say which route answers a request; its number is in `ROUTE_NUMBERS`."""
    watched: Watched | None = scope.get(WATCHED)
    if watched is not None:
        watched.route = route
