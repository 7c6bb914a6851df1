"""How many images each caller has drawn today, over all processes and machines: counted in Redis, by way of memory.

Drawing never waits for Redis. What is drawn is added up here, and a thread adds it to the count in Redis within
FLUSH_S, which answers what the others have drawn meanwhile. So a day's limit may be passed by as much as a caller can
draw elsewhere in that time. While Redis is away, each process goes by what it knows, and keeps what it has to add.

What is sent at once is a batch, with a number: one whose answer was lost is sent again as it was, and counted once.
"""

import logging
import secrets
import threading
import time
from collections import Counter
from contextlib import suppress

from redis import Redis, RedisError

from jobs.scripting import run_script

logger = logging.getLogger(__name__)

FLUSH_S = 1.0
DAY_S = 86_400

Counted = tuple[str, int]  # a caller and a day, counted from 1970 in UTC


class DayUse:
    """Images by caller and day. `add` and `used` are for the event loop, and wait for nobody."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._lock = threading.Lock()  # held for moments
        self._known: dict[Counted, int] = {}
        self._new = Counter[Counted]()
        self._batch = Counter[Counted]()  # on its way, until Redis has answered
        self._name, self._number = secrets.token_hex(4), 0
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
            return self._known.get(counted, 0) + self._new[counted] + self._batch[counted]

    def flush(self) -> None:
        """Add what is new to the counts in Redis. Raises RedisError, and keeps it then."""
        with self._flushing:
            while self._has_batch():
                found = self._add_up()
                with self._lock:
                    self._batch = Counter()
                    self._known |= found
            with self._lock:
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

    def _has_batch(self) -> bool:
        """Whether there is one to send; a new one only once that before was answered."""
        with self._lock:
            if not self._batch and self._new:
                self._batch, self._new = self._new, Counter()
                self._number += 1
            return bool(self._batch)

    def _add_up(self) -> dict[Counted, int]:
        return {
            (caller, day): int(run_script(self._redis, "drawn", "", caller, day, images, self._name, self._number))
            for (caller, day), images in self._batch.items()
        }

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
