"""The processes of a worker tell Redis of themselves, each in a thread of its own: see `jobs/workers.py`."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from redis import RedisError, ResponseError

from core.version import VERSION
from jobs.record import Job
from jobs.workers import TELL_S, LaneReport, WorkerReport, Workers

DEAF_S = 15.0  # without a connection that waits for messages, while a lane is free

logger = logging.getLogger(__name__)


class Telling:
    """Calls `tell` every few seconds until it is ended. While Redis is away nothing is told."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._ended = threading.Event()
        self._redis_is_away = False
        self._thread = threading.Thread(target=self._run, name="telling", daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def end(self) -> None:
        """Tell no more. Nothing is told once this returns."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._tell()
            except RedisError as error:
                if not self._redis_is_away:
                    logger.warning("Redis is away, and is told nothing of this process: %s", error)
                self._redis_is_away = True
            else:
                self._redis_is_away = False
            self._ended.wait(TELL_S)


class MainProcess:
    """What the main process of a worker tells."""

    def __init__(
        self,
        workers: Workers,
        worker_id: str,
        devices: list[str],
        draining: Callable[[], bool],
        swept_at: Callable[[], float],
    ) -> None:
        """`swept_at()` is when it last swept, in seconds since 1970; 0 for never."""
        self._workers, self._draining, self._swept_at = workers, draining, swept_at
        self._report = WorkerReport(
            id=worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=VERSION,
            started_at=datetime.now(UTC),
            devices=tuple(devices),
            listens=True,
        )
        self._heard_at = time.monotonic()

    def tell(self) -> None:
        """Tell it once. Raises redis' RedisError."""
        if self._is_busy() or self._listens():
            self._heard_at = time.monotonic()
        swept_at = self._swept_at()
        changed = {
            "listens": time.monotonic() - self._heard_at < DEAF_S,
            "draining": self._draining(),
            "swept_at": datetime.fromtimestamp(swept_at, UTC) if swept_at else None,
        }
        self._report = self._report.model_copy(update=changed)
        self._workers.tell(self._report)

    def forget(self) -> None:
        """The worker ends. Redis may be away: it forgets by itself."""
        try:
            self._workers.forget(self._report.id)
        except RedisError as error:
            logger.info("Redis is away, and is not told that this worker ends: %s", error)

    def _is_busy(self) -> bool:
        """Whether each lane of trainings has a job: then nobody has to hear of another."""
        lanes = self._workers.lanes_of(self._report)
        names = [name for name, device in self._report.lanes.items() if device is not None]
        return all(name in lanes and lanes[name].job_id for name in names)

    def _listens(self) -> bool:
        try:
            return self._workers.listens(self._report.id)
        except ResponseError:  # this Redis tells nobody of its connections
            return True


def lane_report(job: Job | None) -> LaneReport:
    """What a lane tells of itself, with the job that it carries out."""
    return LaneReport(pid=os.getpid(), job_id=job and job.id, attempt=job and job.attempt)
