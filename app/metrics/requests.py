"""Requests, counted and timed at the edge of the API: until their answer begins, so that a stream has a time too.

The route that answers names itself (`app/http/guard.py`) in what stands in the scope of each request.
"""

import time

from starlette.types import Scope

from app.metrics.meters import OTHER, ROUTE_NUMBERS, Gauge, Meters

WATCHED = "digitforge.watched"
_OTHER, _IN_PROGRESS = ROUTE_NUMBERS[OTHER], int(Gauge.IN_PROGRESS)
_GONE = 499  # nobody was there any more to be answered, as nginx has it


class Watched:
    """One request, from its arrival to its end."""

    __slots__ = ("_began", "_is_answered", "_meters", "route")

    def __init__(self, scope: Scope, meters: Meters) -> None:
        """The request has arrived."""
        scope[WATCHED] = self
        self._meters = meters
        self.route = _OTHER
        self._is_answered = False
        self._began = time.perf_counter()
        meters.numbers.own[_IN_PROGRESS] += 1

    def answer(self, status: int) -> None:
        """The answer begins."""
        self._is_answered = True
        self._meters.answered(self.route, status, time.perf_counter() - self._began)

    def end(self) -> None:
        """There is no more to come."""
        self._meters.numbers.own[_IN_PROGRESS] -= 1
        if not self._is_answered:
            self.answer(_GONE)


def name_route(scope: Scope, route: int) -> None:
    """Say which route answers a request; its number is in `ROUTE_NUMBERS`."""
    watched: Watched | None = scope.get(WATCHED)
    if watched is not None:
        watched.route = route
