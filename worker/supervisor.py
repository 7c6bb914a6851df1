"""The supervisor: carries one job from its claim to its end by way of one trainer process."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from redis import RedisError

from core.errors import LeaseLost
from core.jobs import Claim, JobError, Publication, Publish
from core.settings import Settings
from core.store import JobStore
from models.errors import CheckpointError
from models.files import write_file
from models.shelf import Shelf
from worker.run_dirs import TRAINER_LOG, open_attempt
from worker.trainer import TrainerProcess
from worker.training.events import Failed, Finished
from worker.watch import Watch

RETRYABLE = {"disk-full", "io-error", "oom", "trainer-crashed"}
REDIS_RETRY_S = 1.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs jobs one after another. `draining()` turns true when the worker is to stop."""

    def __init__(self, store: JobStore, shelf: Shelf, settings: Settings, draining: Callable[[], bool]) -> None:
        self._store = store
        self._shelf = shelf
        self._settings = settings
        self._draining = draining

    def run(self, job_id: str) -> None:
        """Claim the job and see it to an end. A job that cannot be claimed is somebody else's, or over."""
        claim = self._store.claim(job_id)
        if claim is None:
            logger.info("job %s: not queued any more, nothing to do", job_id)
            return
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
        run_dir = open_attempt(self._settings.runs_dir, claim.job.id, claim.job.attempt)
        recipe = run_dir / "recipe.json"
        write_file(recipe, claim.job.spec.recipe.model_dump_json(indent=2).encode() + b"\n")
        with TrainerProcess(
            self._trainer_arguments(run_dir), run_dir / TRAINER_LOG, self._settings.stop_grace_s
        ) as trainer:
            watch = Watch(self._store, claim, self._settings.heartbeat_s)
            for event in trainer.events(self._settings.heartbeat_s / 2):
                watch.see(event)
                if watch.order != "ok" or self._draining():
                    trainer.stop()
        watch.beat()  # the last of the progress
        self._conclude(claim, watch, trainer, run_dir)

    def _conclude(self, claim: Claim, watch: Watch, trainer: TrainerProcess, run_dir: Path) -> None:
        """Bring the record to where the run has ended."""
        match watch.order, watch.last:
            case "lost", _:
                raise LeaseLost
            case "cancel", _:
                self._insist(lambda: self._store.acknowledge_cancel(claim))
            case _, Finished() as finished:
                self._publish(claim, run_dir / finished.checkpoint)
            case _, Failed() as failed:
                self._fail(claim, failed.kind, failed.detail, trainer.log_tail())
            case _ if trainer.was_stopped:
                status = self._insist(lambda: self._store.release(claim))
                logger.info("job %s: stopped with its state saved; now %s", claim.job.id, status)
            case _:
                detail = f"the trainer ended without a word: {trainer.ending}"
                self._fail(claim, "trainer-crashed", detail, trainer.log_tail())

    def _publish(self, claim: Claim, checkpoint: Path) -> None:
        """Put the model on the shelf, make it active when the job says so, and only then report success."""
        try:
            model_id = self._shelf.add(checkpoint).model_id
            order = self._insist(lambda: self._store.beat(claim))
            if order == "cancel":
                self._insist(lambda: self._store.acknowledge_cancel(claim))
                return
            if order == "lost":
                raise LeaseLost
            publication = self._activate(model_id, claim.job.spec.publish)
        except CheckpointError as error:
            self._fail(claim, "bad-checkpoint", str(error), "")
            return
        self._insist(lambda: self._store.succeed(claim, model_id, publication))
        logger.info("job %s: succeeded with model %s; active: %s", claim.job.id, model_id, publication)

    def _activate(self, model_id: str, publish: Publish) -> Publication:
        """Make a model on the shelf the active one, if `publish` says so."""
        match publish:
            case "auto":
                verdict = self._shelf.activate_unless_worse(model_id)
                return Publication(active=verdict.accepted, reason=verdict.reason)
            case "always":
                self._shelf.activate(model_id)
        return Publication(active=publish == "always", reason=f"the job said publish = {publish}")

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
                time.sleep(REDIS_RETRY_S)

    def _trainer_arguments(self, run_dir: Path) -> list[str]:
        settings = self._settings
        arguments = ["--run-dir", str(run_dir), "--recipe", str(run_dir / "recipe.json")]
        arguments += ["--datasets", str(settings.datasets_dir)]
        if settings.device is not None:
            arguments += ["--device", settings.device]
        if settings.trainer_threads is not None:
            arguments += ["--threads", str(settings.trainer_threads)]
        return arguments
