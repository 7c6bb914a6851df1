"""How many images each caller has drawn today, over all processes and machines: counted in Redis, by way of memory.

Drawing never waits for Redis. What is drawn is added up here, and a thread adds it to the count in Redis within
FLUSH_S, which answers what the others have drawn meanwhile. So a day's limit may be passed by as much as a caller can
draw elsewhere in that time. While Redis is away, each process goes by what it knows, and keeps what it has to add.
"""

import logging
import threading
import time
from collections import Counter
from contextlib import suppress

from redis import Redis, RedisError

from jobs.keys import use_of

logger = logging.getLogger(__name__)

FLUSH_S = 1.0
KEPT_S = 3 * 86_400
DAY_S = 86_400

Counted = tuple[str, int]  # a caller and a day, counted from 1970 in UTC


class DayUse:
    """Images by caller and day. `add` and `used` are for the event loop, and wait for nobody."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._lock = threading.Lock()  # held for moments
        self._known: dict[Counted, int] = {}
        self._new = Counter[Counted]()
        self._sent = Counter[Counted]()
        self._flushing = threading.Lock()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._is_away = False

    def add(self, caller: str, images: int) -> None:
        """Count images that a caller draws; below 0 for those that it does not after all."""
        with self._lock:
            self._new[caller, today()] += images
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="day-use", daemon=True)
            self._thread.start()

    def used(self, caller: str) -> int:
        """What a caller has drawn today, as far as this process knows."""
        counted = caller, today()
        with self._lock:
            return self._known.get(counted, 0) + self._new[counted] + self._sent[counted]

    def flush(self) -> None:
        """Add what is new to the counts in Redis. Raises RedisError, and keeps it then."""
        with self._flushing:
            with self._lock:
                self._sent, self._new = self._new, Counter()
                sent = [(counted, images) for counted, images in self._sent.items() if images]
            try:
                found = self._add_up(sent)
            except RedisError:
                with self._lock:
                    self._new.update(self._sent)  # a sum
                    self._sent = Counter()
                raise
            with self._lock:
                self._sent = Counter()
                self._known |= found
                old = [counted for counted in self._known if counted[1] < today()]
                for counted in old:
                    del self._known[counted]

    def close(self) -> None:
        """Add what is left and end."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with suppress(RedisError):
            self.flush()

    def _add_up(self, sent: list[tuple[Counted, int]]) -> dict[Counted, int]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for (caller, day), images in sent:
                pipeline.hincrby(use_of(caller, day), "images", images)
                pipeline.expire(use_of(caller, day), KEPT_S)
            answers: list[int] = pipeline.execute() if sent else []
        return dict(zip((counted for counted, _ in sent), answers[::2], strict=True))

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self.flush()
                self._is_away = False
            except RedisError as error:
                if not self._is_away:
                    logger.warning("Redis is away: a day's images are limited by what this process knows: %s", error)
                self._is_away = True
                self._wake.set()
            self._closing.wait(FLUSH_S)


def today() -> int:
    """The day in UTC, counted from 1970."""
    return int(time.time() // DAY_S)
