"""What is measured in the API, where each of it lies among the shared numbers, and how it is added to.

To add costs a fraction of a microsecond. What a number is counted by comes from closed sets, such as the table of
routes, so nothing that a client sends makes another series.
"""

from bisect import bisect_left
from enum import IntEnum
from typing import NamedTuple

from app.http.problem_types import ProblemType
from app.http.scopes import SCOPES
from app.metrics.numbers import SharedNumbers
from core.access import Limits

OTHER = "other"  # what no route answers: unknown paths, refusals at the edge, and the pages of the documentation
ROUTES = (*SCOPES, OTHER)
ROUTE_NUMBERS = {route: number for number, route in enumerate(ROUTES)}
ANOTHER_STATUS = 0
STATUSES = (
    *sorted({200, 201, 202, 204, 206, 304, 307, 405, 499, *(kind.status for kind in ProblemType)}),
    ANOTHER_STATUS,
)
LATE = "late"  # a client that did not go on in time, and was past being told so
REFUSALS = (
    LATE,
    ProblemType.HEAD_TIMEOUT.value,
    ProblemType.BAD_REQUEST.value,
    ProblemType.URI_TOO_LONG.value,
    ProblemType.HEAD_TOO_LARGE.value,
    ProblemType.TOO_MANY_CONNECTIONS.value,
    ProblemType.CONNECTIONS_FULL.value,
    OTHER,
)
LIMITS = (*Limits.model_fields, "wrong_keys")

REQUEST_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STEP_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BATCH_BOUNDS = (1.0, 2.0, 4.0, 8.0, 12.0, 16.0)


class Source(IntEnum):
    """Where the bytes of an answer of `GET /generate` came from."""

    DRAWN = 0
    MEMORY = 1
    CLIENT = 2  # which has them already: 304


class Gauge(IntEnum):
    """What goes up and down, of each process."""

    PID = 0
    IN_PROGRESS = 1
    MODELS = 2
    MODEL_BYTES = 3
    PICTURE_BYTES = 4


class Histogram(NamedTuple):
    """Where a histogram lies: a number for each bound and one for what is above them, and then the sum."""

    first: int
    bounds: tuple[float, ...]

    @property
    def end(self) -> int:
        """The slot behind it."""
        return self.first + len(self.bounds) + 2


IMAGES = len(Gauge)
SOURCES = IMAGES + 1
REFUSED = SOURCES + len(Source)
TURNED_AWAY = REFUSED + len(LIMITS)
QUEUE = Histogram(TURNED_AWAY + len(REFUSALS), STEP_BOUNDS)
DRAW = Histogram(QUEUE.end, STEP_BOUNDS)
ENCODE = Histogram(DRAW.end, STEP_BOUNDS)
BATCHES = Histogram(ENCODE.end, BATCH_BOUNDS)
REQUESTS = BATCHES.end
_STATUS_SLOTS = {status: slot for slot, status in enumerate(STATUSES)}
_STATUSES, _BUCKETS = len(STATUSES), len(REQUEST_BOUNDS) + 1
_A_ROUTE = _STATUSES + _BUCKETS + 1
SLOTS = REQUESTS + len(ROUTES) * _A_ROUTE


def answers_at(route: int) -> int:
    """Where the answers of a route are counted, status by status."""
    return REQUESTS + route * _A_ROUTE


def seconds_at(route: int) -> Histogram:
    """How long they took to begin."""
    return Histogram(answers_at(route) + len(STATUSES), REQUEST_BOUNDS)


class Meters:
    """The meters of this process and those beside it. For use on the event loop."""

    def __init__(self, processes: int = 1) -> None:
        self.numbers = SharedNumbers(processes, SLOTS)

    def become(self, number: int) -> None:
        """Be the process with this number from now on."""
        self.numbers.become(number, Gauge)

    def answered(self, route: int, status: int, seconds: float) -> None:
        """An answer has begun, so long after its request."""
        own, at = self.numbers.own, REQUESTS + route * _A_ROUTE
        own[at + _STATUS_SLOTS.get(status, _STATUSES - 1)] += 1
        at += _STATUSES
        own[at + bisect_left(REQUEST_BOUNDS, seconds)] += 1
        own[at + _BUCKETS] += seconds

    def drew(self, images: int, waited_s: float, drawing_s: float) -> None:
        """Images for one request were drawn."""
        self.numbers.own[IMAGES] += images
        self.observe(QUEUE, waited_s)
        self.observe(DRAW, drawing_s)

    def answered_from(self, source: Source) -> None:
        """A picture was answered."""
        self.numbers.own[SOURCES + source] += 1

    def refused(self, limit: str) -> None:
        """A request was refused because of a limit, which is one of `LIMITS`."""
        self.numbers.own[REFUSED + LIMITS.index(limit)] += 1

    def turned_away(self, reason: str) -> None:
        """A connection was ended by the server. A reason that is none of `REFUSALS` is counted as another."""
        self.numbers.own[TURNED_AWAY + REFUSALS.index(reason if reason in REFUSALS else OTHER)] += 1

    def observe(self, histogram: Histogram, value: float) -> None:
        """Add a value to a histogram."""
        first, bounds = histogram
        own = self.numbers.own
        own[first + bisect_left(bounds, value)] += 1
        own[first + len(bounds) + 1] += value

    def set(self, gauge: Gauge, value: float) -> None:
        """What a gauge of this process is now."""
        self.numbers.own[gauge] = value

    def add(self, gauge: Gauge, change: float) -> None:
        """How much it went up, or down."""
        self.numbers.own[gauge] += change
