"""The supervisor: carries one job from its claim to its end by way of one trainer process."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from redis import RedisError

from core.crash import crash_point
from core.errors import CheckpointError, LeaseLost, ShelfBusy
from core.files import is_disk_full, remove_temporaries, write_file
from core.run_dir import JobDir, RunDir
from core.settings import Settings
from jobs.record import Claim, DeviceMemory, JobError
from jobs.store import MAX_STRIKES, JobStore
from models.shelf import Shelf
from worker.device_memory import memory_mb
from worker.monitor import Watch
from worker.publishing import publish
from worker.run_dirs import open_attempt
from worker.trainer import TrainerProcess
from worker.training.events import Failed, Finished, Stopped, Warned

RETRYABLE = {"io-error", "oom", "trainer-crashed", "stalled"}
RETRY_S = 1.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class _Interrupted(Exception):
    """The job is to be let go of before its work is done."""


class Supervisor:
    """Runs jobs one after another on a device. `draining()` turns true when the worker is to stop."""

    def __init__(
        self, store: JobStore, shelf: Shelf, settings: Settings, device: str, draining: Callable[[], bool]
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._settings = settings
        self._device = device
        self._draining = draining

    def run(self) -> None:
        """Claim the oldest queued job and see it to an end, if there is one."""
        claim = self._store.claim_oldest()
        if claim is None:
            logger.info("no job is queued any more, nothing to do")
            return
        job_id = claim.job.id
        logger.info("job %s: attempt %d", job_id, claim.job.attempt)
        try:
            self._carry_out(claim)
        except LeaseLost:
            logger.warning("job %s: lost to another worker; what this one did does not count", job_id)
        except RedisError as error:
            logger.warning("job %s: Redis is away; it goes on elsewhere once the lease is over: %s", job_id, error)
        except Exception as error:
            logger.exception("job %s: the worker failed", job_id)
            detail = f"{type(error).__name__}: {error}"
            self._insist(lambda: self._store.fail(claim, JobError(type="internal", detail=detail, retryable=True)))

    def _carry_out(self, claim: Claim) -> None:
        watch = Watch(self._store, claim, self._settings.heartbeat_s)
        try:
            self._train(claim, watch, self._prepare(claim, watch))
        except _Interrupted:
            self._let_go(claim, watch)

    def _prepare(self, claim: Claim, watch: Watch) -> RunDir:
        """The run directory of this attempt, with the recipe in it."""
        job = claim.job
        job_dir = JobDir(self._settings.runs_dir, job.id)
        run = self._with_space(watch, lambda: open_attempt(job_dir, job.attempt, lambda: watch.see(None)))
        recipe = job.spec.recipe.model_dump_json(indent=2).encode() + b"\n"
        self._with_space(watch, lambda: write_file(run.recipe, recipe))
        return run

    def _train(self, claim: Claim, watch: Watch, run: RunDir) -> None:
        """Run the trainer to its end, or to where somebody wants it to stop, and bring the record there."""
        settings, held_mb, stalled = self._settings, 0.0, False
        with TrainerProcess(self._trainer_arguments(run), run.trainer_log, settings.stop_grace_s) as trainer:
            for event in trainer.events(settings.heartbeat_s / 2):
                watch.see(event)
                stalled = watch.silent_s > settings.watchdog_s
                if watch.order == "cancel":
                    held_mb = held_mb or memory_mb(trainer.pid, watch.device)
                if watch.order in ("cancel", "lost") or stalled:
                    trainer.kill()
                elif watch.order == "pause" or self._draining():
                    trainer.stop()
        remove_temporaries(run.folder)
        watch.beat()  # the last of the news

        match watch.order, watch.last:
            case (("cancel" | "lost"), _):
                left_mb = memory_mb(trainer.pid, watch.device)
                self._let_go(claim, watch, DeviceMemory(before_mb=held_mb, after_mb=left_mb))
            case _, Finished() as finished:
                self._deliver(claim, watch, run.folder / finished.checkpoint)
            case _, Failed(kind="disk-full"):
                raise _Interrupted  # it will go on where there is space
            case _, Failed() as failed:
                self._fail(claim, failed.kind, failed.detail, trainer.log_tail())
            case _ if trainer.refused:  # the same arguments would be refused again
                self._fail(claim, "trainer-refused", trainer.refused, trainer.log_tail())
            case _, Stopped() if not stalled:  # also when somebody else asked it to, such as an init system
                self._let_go(claim, watch)
            case _ if trainer.was_stopped and not stalled:
                self._let_go(claim, watch)
            case _:
                silent = f"the trainer said nothing for {settings.watchdog_s:g} s"
                ended = f"the trainer ended without a word: {trainer.ending}"
                kind, detail = ("stalled", silent) if stalled else ("trainer-crashed", ended)
                self._strike(claim, kind, detail, trainer.log_tail())

    def _deliver(self, claim: Claim, watch: Watch, checkpoint: Path) -> None:
        """Put the model on the shelf, commit the job to it, and publish it."""
        try:
            model_id = self._with_space(watch, lambda: self._shelf.add(checkpoint)).model_id
        except CheckpointError as error:
            self._fail(claim, "bad-checkpoint", str(error), "")
            return
        crash_point("publish:before-commit")
        if self._insist(lambda: self._store.commit(claim, model_id)) == "cancel":
            self._insist(lambda: self._store.acknowledge_cancel(claim))
            return
        crash_point("publish:after-commit")
        try:
            self._insist(lambda: publish(self._store, self._shelf, claim.job.id))
        except ShelfBusy as error:
            logger.warning("job %s: left to the sweeper: %s", claim.job.id, error)

    def _let_go(self, claim: Claim, watch: Watch, memory: DeviceMemory | None = None) -> None:
        """Bring the record to where somebody wanted it, or give the job back with its place in the queue."""
        match watch.order:
            case "lost":
                raise LeaseLost
            case "cancel":
                self._insist(lambda: self._store.acknowledge_cancel(claim, memory))
                logger.info("job %s: cancelled", claim.job.id)
            case _:
                status = self._insist(lambda: self._store.release(claim))
                logger.info("job %s: stopped with its state saved; now %s", claim.job.id, status)

    def _strike(self, claim: Claim, kind: str, detail: str, log: str) -> None:
        """Let it be tried again after the trainer died, unless that happens over and over."""
        too_often = f"{detail}; {MAX_STRIKES} times without a new checkpoint between"
        error = JobError(type=kind, detail=too_often, retryable=kind in RETRYABLE, log=log)
        status = self._insist(lambda: self._store.strike(claim, error))
        logger.warning("job %s: %s; now %s", claim.job.id, detail, status)

    def _fail(self, claim: Claim, kind: str, detail: str, log: str) -> None:
        error = JobError(type=kind, detail=detail, retryable=kind in RETRYABLE, log=log)
        self._insist(lambda: self._store.fail(claim, error))
        logger.warning("job %s: failed: %s: %s", claim.job.id, kind, detail)

    def _insist(self, transition: Callable[[], T]) -> T:
        """Call until Redis answers, for as long as it takes: an end that is not recorded did not happen."""
        while True:
            try:
                return transition()
            except RedisError as error:
                if self._draining():
                    raise  # the worker has to end; the lease will expire
                logger.warning("Redis is away, trying again: %s", error)
                time.sleep(RETRY_S)

    def _with_space(self, watch: Watch, write: Callable[[], T]) -> T:
        """Write something, again and again while the disk is full. Raises _Interrupted when the job is to be let go."""
        while True:
            try:
                return write()
            except OSError as error:
                if not is_disk_full(error):
                    raise
                hint = "free space in the data directory; the job goes on by itself"
                watch.see(Warned(kind="disk-full", step=watch.step, detail=str(error), hint=hint))
            if watch.order != "ok" or self._draining():
                raise _Interrupted
            time.sleep(RETRY_S)

    def _trainer_arguments(self, run: RunDir) -> list[str]:
        settings = self._settings
        arguments = ["--run-dir", str(run.folder), "--recipe", str(run.recipe)]
        arguments += ["--datasets", str(settings.datasets_dir)]
        arguments += ["--device", self._device]
        if settings.trainer_threads is not None:
            arguments += ["--threads", str(settings.trainer_threads)]
        if not settings.cuda_graph:
            arguments.append("--no-cuda-graph")
        return arguments
