"""Carrying a job from its claim to its end: what trainings and imports have in common."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from redis import RedisError

from core.disk_full import StoppedWhileFull, write_when_there_is_space
from core.errors import LeaseLost, ShelfBusy, StoreAway, StoreRefused
from core.ticking import Tick
from core.vocabulary import Answer, FailureKind, WarningKind
from jobs.job_logs import about
from jobs.record import Claim, DeviceMemory, Job, JobKind
from jobs.store import JobStore
from sharing.places import Places
from worker.attempt import Attempt
from worker.beside import in_a_thread
from worker.monitor import RunMonitor
from worker.saving import RunSaver
from worker.training.events import Warned

T = TypeVar("T")

STORE_POLL_S = 1.0
MOST_S_TO_SAVE = 8.0  # of a job that is let go or has failed

logger = logging.getLogger(__name__)


class JobSupervisor(ABC):
    """Runs jobs of one kind one after another. `draining()` turns true when the worker is to stop."""

    kind: ClassVar[JobKind]

    def __init__(self, store: JobStore, places: Places, draining: Callable[[], bool]) -> None:
        self._store, self._places, self._draining = store, places, draining
        self._settings = places.settings
        self.under_way: Job | None = None  # what is being carried out

    def run(self) -> bool:
        """Claim the oldest queued job and see it to an end. False when there is none. Raises RedisError then only."""
        claim = self._store.claim_oldest(self.kind)
        if claim is None:
            return False
        self.under_way = claim.job
        with about(claim.job):
            self._see_to_an_end(claim)
        self.under_way = None
        return True

    def _see_to_an_end(self, claim: Claim) -> None:
        job_id = claim.job.id
        logger.info("job %s: attempt %d", job_id, claim.job.attempt)
        attempt = Attempt(self._store, claim, self._draining)
        try:
            self._carry_out(claim, attempt)
        except LeaseLost:
            logger.warning("job %s: lost to another worker; what this one did does not count", job_id)
        except RedisError as error:
            logger.warning("job %s: Redis is away; it goes on elsewhere once the lease is over: %s", job_id, error)
        except (StoreAway, StoreRefused) as error:
            logger.warning("job %s: given back, the store is away: %s", job_id, error)
            with suppress(LeaseLost):
                attempt.release()
            time.sleep(STORE_POLL_S)  # or it would be claimed again at once, over and over
        except Exception as error:
            logger.exception("job %s: the worker failed", job_id)
            with suppress(LeaseLost):  # it is committed, and left to the sweeper
                attempt.fail(FailureKind.INTERNAL, f"{type(error).__name__}: {error}")

    @abstractmethod
    def _carry_out(self, claim: Claim, attempt: Attempt) -> None:
        """Bring the job to an end, or give it back."""

    def _with_space(self, monitor: RunMonitor[Any], write: Callable[[], T]) -> T:
        """Write something once the disk has room and the store answers, and beat where that may take long.

        Raises StoppedWhileFull when the job is to be let go before.
        """
        if self._places.store is None:
            return self._once_there_is_space(monitor, write)
        while True:
            try:
                return self._once_there_is_space(monitor, lambda: in_a_thread(write, monitor.tick, self._tick_s))
            except (StoreAway, StoreRefused, ShelfBusy) as error:
                if isinstance(error, ShelfBusy):  # such as by another lane that fetches the same data set
                    logger.info("waiting for another process: %s", error)
                    monitor.tick()
                else:
                    warn_of_store(monitor, str(error))
                if self._should_stop(monitor):
                    raise StoppedWhileFull from error
            time.sleep(STORE_POLL_S)

    def _once_there_is_space(self, monitor: RunMonitor[Any], write: Callable[[], T]) -> T:
        return write_when_there_is_space(
            write, lambda error: warn_of_full_disk(monitor, str(error)), lambda: self._should_stop(monitor)
        )

    def _with_store(self, monitor: RunMonitor[Any], call: Callable[[Tick], T]) -> T:
        """As `_with_space`, for what takes long: the tick that `call` gets ends it where the job is to be let go."""

        def tick() -> None:
            if self._should_stop(monitor):
                raise StoppedWhileFull

        return self._with_space(monitor, lambda: call(tick))

    def _wait(self, monitor: RunMonitor[Any], seconds: float) -> None:
        """Wait, and beat. Raises StoppedWhileFull when the job is to be let go meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            monitor.handle(None)
            if self._should_stop(monitor):
                raise StoppedWhileFull
            time.sleep(min(seconds, self._settings.heartbeat_s / 2))

    def _save_the_end(self, monitor: RunMonitor[Any], saver: RunSaver) -> None:
        """Save a run that has all that it is to have. Raises StoppedWhileFull when the job is to be let go before."""
        while not saver.finish(monitor, MOST_S_TO_SAVE, self._tick_s):
            warn_of_fault(monitor, saver)
            if self._should_stop(monitor):
                raise StoppedWhileFull
            time.sleep(STORE_POLL_S)

    @property
    def _tick_s(self) -> float:
        return self._settings.heartbeat_s / 2

    def _should_stop(self, monitor: RunMonitor[Any]) -> bool:
        return monitor.request is not Answer.OK or self._draining()


def warn_of_full_disk(monitor: RunMonitor[Any], detail: str) -> None:
    """Tell that a job waits for space."""
    hint = "free space in the data directory; the job goes on by itself"
    monitor.handle(Warned(kind=WarningKind.DISK_FULL, step=monitor.step, detail=detail, hint=hint))


def warn_of_store(monitor: RunMonitor[Any], detail: str) -> None:
    """Tell that the store is away."""
    hint = "the job goes on by itself once the store answers; see the log for what it says"
    monitor.add(Warned(kind=WarningKind.STORE_AWAY, step=monitor.step, detail=detail, hint=hint))
    monitor.tick()


def warn_of_fault(monitor: RunMonitor[Any], saver: RunSaver) -> None:
    """Tell why the last save of a run failed, if that is not told yet."""
    if fault := saver.fault():
        logger.warning("what is new of a run is saved later: %s", fault)
        warn_of_store(monitor, fault)


def let_go(attempt: Attempt, request: Answer, memory: DeviceMemory | None = None) -> None:
    """Bring the record to where somebody wanted it, or give the job back."""
    match request:
        case Answer.LOST:
            raise LeaseLost
        case Answer.CANCEL:
            attempt.acknowledge_cancel(memory)
        case _:
            attempt.release()
