"""The ledger: what clients were told and what was done to the service, written by many threads, read by the checker."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

ENDED = {"succeeded", "failed", "cancelled"}


@dataclass
class Accepted:
    """A job as its client knows it."""

    id: str
    recipe: str  # its name in tests/chaos/golden.py
    key: str
    cancel_asked: bool = False
    events: list[tuple[str, str]] = field(default_factory=list)  # id and type, as they came by SSE
    connections: int = 0  # that brought them
    told_all: bool = False  # the stream was followed to its end
    end_seen: str | None = None


@dataclass
class Drawing:
    """One GET /generate: when, and the status of the answer, or None where there was none."""

    api: str
    start: float
    end: float
    status: int | None
    error: str = ""


class Ledger:
    """All that the checker needs to know besides the service's own records."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.jobs: dict[str, Accepted] = {}
        self.refused_keys: list[str] = []  # answered 429
        self.unanswered_keys: list[str] = []
        self.answers: Counter[str] = Counter()
        self.intrusions: Counter[tuple[str, int]] = Counter()  # by key and status
        self.faults: Counter[tuple[str, str]] = Counter()  # by kind and target
        self.drawings: list[Drawing] = []
        self.downtimes: dict[str, list[list[float | None]]] = {}  # of each API: from a fault, to where it answers again
        self.watched: dict[str, list[tuple[str, str]]] = {}  # events of each job, as the one stream of all told them
        self.contents: dict[str, str] = {}  # digests of what was read, by its URL
        self.violations: list[str] = []

    def violate(self, what: str) -> None:
        """Note a broken promise."""
        with self._lock:
            self.violations.append(what)
        print(f"  BROKEN  {what}", flush=True)

    def answered(self, status: int | str) -> None:
        """Count an answer."""
        with self._lock:
            self.answers[str(status)] += 1

    def intruded(self, key: str, status: int) -> None:
        """Count an answer to a wrong key."""
        with self._lock:
            self.intrusions[key, status] += 1

    def accept(self, job: Accepted) -> None:
        """Note the first 202 of a key."""
        with self._lock:
            self.jobs[job.id] = job

    def known(self) -> list[Accepted]:
        """The accepted jobs, oldest first."""
        with self._lock:
            return list(self.jobs.values())

    def saw(self, job: Accepted, status: str, end_before: str | None = None) -> None:
        """Note a status that a client read, and the end that was known before it asked: an end is an end for ever."""
        end = job.end_seen if status in ENDED else end_before
        if end is not None and status != end:
            self.violate(f"job {job.id}: was {end}, and later {status}")
        if status in ENDED:
            job.end_seen = status

    def read(self, url: str, digest: str) -> None:
        """Note what was read of a URL that always stands for the same bytes."""
        with self._lock:
            before = self.contents.setdefault(url, digest)
        if before != digest:
            self.violate(f"GET {url}: other bytes than before")

    def api_goes_down(self, api: str) -> None:
        """An API is about to be killed, frozen or cut off."""
        downtimes = self.downtimes.setdefault(api, [])
        if not downtimes or downtimes[-1][1] is not None:
            downtimes.append([time.monotonic(), None])

    def api_is_back(self, api: str) -> None:
        """It answers again."""
        downtimes = self.downtimes.get(api)
        if downtimes and downtimes[-1][1] is None:
            downtimes[-1][1] = time.monotonic()

    def was_down(self, api: str, start: float, end: float) -> bool:
        """Whether an API was killed, frozen or cut off at any time between."""
        times = self.downtimes.get(api, [])
        return any(went < end and (came is None or came > start) for went, came in times if went is not None)
