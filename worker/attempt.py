"""One attempt at a job: how its record comes to an end, each end told until Redis has answered."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis import RedisError

from core.vocabulary import Answer, FailureKind
from jobs.record import Claim, DeviceMemory, Job, JobError
from jobs.store import MAX_STRIKES, JobStore

RETRY_S = 1.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Attempt:
    """The transitions that the owner of a claim may make. `draining()` turns true when the worker is to stop.

    An end that is not recorded did not happen, so each call goes on until Redis answers. Every method raises LeaseLost
    when the job is somebody else's by now, and RedisError when the worker is to stop while Redis is away: the lease
    will expire.
    """

    def __init__(self, store: JobStore, claim: Claim, draining: Callable[[], bool]) -> None:
        self._store, self._claim, self._draining = store, claim, draining

    @property
    def job(self) -> Job:
        """The job as it was when it was claimed."""
        return self._claim.job

    def fail(self, kind: FailureKind, detail: str, log: str = "") -> None:
        """It cannot go on."""
        self._retry_until_redis_answers(lambda: self._store.fail(self._claim, JobError.of(kind, detail, log)))
        logger.warning("job %s: failed: %s: %s", self.job.id, kind, detail)

    def strike(self, kind: FailureKind, detail: str, log: str) -> None:
        """Its program died: let it be tried again, unless that happens over and over."""
        between = "" if self.job.spec.kind == "import" else " without a new checkpoint between"
        error = JobError.of(kind, f"{detail}; {MAX_STRIKES} times{between}", log)
        status = self._retry_until_redis_answers(lambda: self._store.strike(self._claim, error))
        logger.warning("job %s: %s; now %s", self.job.id, detail, status)

    def release(self) -> None:
        """Give it back with its place in the queue, or bring it to where it was asked to be meanwhile."""
        status = self._retry_until_redis_answers(lambda: self._store.release(self._claim))
        logger.info("job %s: let go; now %s", self.job.id, status)

    def acknowledge_cancel(self, memory: DeviceMemory | None = None) -> None:
        """It was cancelled, and nothing of it runs any more. `memory` is what its trainer held and left."""
        self._retry_until_redis_answers(lambda: self._store.acknowledge_cancel(self._claim, memory))
        logger.info("job %s: cancelled", self.job.id)

    def commit(self, product: str) -> bool:
        """Its model or data set is there, so it can only succeed. False when a cancel was asked for before."""
        answer = self._retry_until_redis_answers(lambda: self._store.commit(self._claim, product))
        return answer is Answer.OK

    def publish(self, carry_out: Callable[[], None]) -> None:
        """Carry out its publication after the commit. Raises what `carry_out` does."""
        self._retry_until_redis_answers(carry_out)

    def succeed(self) -> bool:
        """It has made what it was to make without a model or a data set. False when a cancel was asked for before."""
        return self._retry_until_redis_answers(lambda: self._store.succeed(self._claim)) is Answer.OK

    def _retry_until_redis_answers(self, call: Callable[[], T]) -> T:
        while True:
            try:
                return call()
            except RedisError as error:
                if self._draining():
                    raise
                logger.warning("Redis is away, trying again: %s", error)
                time.sleep(RETRY_S)
