"""The supervisor: carries one training from its claim to its end by way of one trainer process."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.crash import crash_point
from core.disk_full import StoppedWhileFull
from core.errors import CheckpointError, DatasetDamaged, DatasetDeleted, ShelfBusy, StoreError
from core.files import remove_temporaries, write_file
from core.run_dir import RunDir
from core.ticking import no_tick
from core.vocabulary import Answer, FailureKind
from jobs.record import Claim, DeviceMemory, Job
from jobs.store import JobStore
from sharing.places import Places
from worker.attempt import Attempt
from worker.carrying import MOST_S_TO_SAVE, JobSupervisor, let_go, warn_of_fault
from worker.device_memory import memory_mb
from worker.meters import Lane, WorkerMeters
from worker.monitor import RunMonitor
from worker.progress import RunProgress
from worker.publishing import publish
from worker.run_dirs import open_attempt
from worker.saving import RunSaver
from worker.trainer import TrainerProcess
from worker.training.events import EpochDone, Event, Failed, Finished, Stopped
from worker.training.reporting import in_words

logger = logging.getLogger(__name__)


class Supervisor(JobSupervisor):
    """Runs trainings one after another on a device."""

    kind = "train"

    def __init__(
        self,
        store: JobStore,
        places: Places,
        device: str,
        draining: Callable[[], bool],
        lane: Lane | None = None,
    ) -> None:
        super().__init__(store, places, draining)
        self._device = device
        self._lane = lane or WorkerMeters([device]).lane(0)

    def _carry_out(self, claim: Claim, attempt: Attempt) -> None:
        if unknown := claim.job.training.unknown_knobs:
            detail = f"the recipe has knobs that this worker's version does not know: {', '.join(unknown)}"
            attempt.fail(FailureKind.TRAINER_REFUSED, detail)
            return
        monitor = RunMonitor(self._store, claim, self._settings.heartbeat_s, RunProgress.before(claim.job))
        try:
            self._fetch_dataset(claim.job, monitor)
            run = self._prepare(attempt, monitor)
            copy, imported = self._places.runs.copy_of(attempt.job, run), attempt.job.training.dataset_id
            share = partial(self._places.datasets.share_judge, imported) if imported else no_tick
            with RunSaver(copy, share) as saver:
                monitor.saves = saver
                self._train(attempt, monitor, run, saver)
        except (DatasetDeleted, DatasetDamaged) as error:
            attempt.fail(FailureKind.BAD_DATA, str(error))
        except StoppedWhileFull:
            let_go(attempt, monitor.request)

    def _fetch_dataset(self, job: Job, monitor: RunMonitor[Event]) -> None:
        """Have an imported data set on this machine."""
        datasets, dataset_id = self._places.datasets, job.training.dataset_id
        if self._places.store is not None and dataset_id is not None:
            fetch = partial(datasets.fetch, dataset_id)
            self._with_store(monitor, fetch)

    def _prepare(self, attempt: Attempt, monitor: RunMonitor[Event]) -> RunDir:
        """The run directory of this attempt, with the recipe in it."""
        job = attempt.job
        job_dir = self._places.runs.of(job.id)
        self._with_space(monitor, lambda: self._places.runs.bring(job))
        run = self._once_there_is_space(monitor, lambda: open_attempt(job_dir, job.attempt, monitor.tick))
        recipe = job.training.recipe.model_dump_json(indent=2).encode() + b"\n"
        self._with_space(monitor, lambda: write_file(run.recipe, recipe))
        return run

    def _train(self, attempt: Attempt, monitor: RunMonitor[Event], run: RunDir, saver: RunSaver) -> None:
        """Run the trainer to its end, or to where somebody wants it to stop, and bring the record there."""
        settings, held_mb, stalled = self._settings, 0.0, False
        arguments = self._trainer_arguments(run, attempt.job)
        with TrainerProcess(arguments, run.trainer_log, settings.stop_grace_s) as trainer:
            self._lane.begin(trainer.pid)
            for event in trainer.events(settings.heartbeat_s / 2):
                monitor.handle(event)
                _log(attempt.job.id, event)
                if isinstance(event, EpochDone):
                    saver.want()
                warn_of_fault(monitor, saver)
                self._lane.beat(monitor.images_per_s)
                stalled = monitor.silent_s > settings.watchdog_s
                if monitor.request is Answer.CANCEL:
                    held_mb = held_mb or memory_mb(trainer.pid, monitor.device)
                if monitor.request in (Answer.CANCEL, Answer.LOST) or stalled:
                    trainer.kill()
                elif monitor.request is Answer.PAUSE or self._draining():
                    trainer.stop()
        self._lane.idle()
        remove_temporaries(run.folder)
        monitor.beat()  # the last of the events
        if not isinstance(monitor.last, Finished):
            saver.finish(monitor, min(MOST_S_TO_SAVE, settings.stop_grace_s), self._tick_s)
            warn_of_fault(monitor, saver)

        match monitor.request, monitor.last:
            case ((Answer.CANCEL | Answer.LOST), _):
                left_mb = memory_mb(trainer.pid, monitor.device)
                let_go(attempt, monitor.request, DeviceMemory(before_mb=held_mb, after_mb=left_mb))
            case _, Finished() as finished:
                self._save_the_end(monitor, saver)
                self._deliver(attempt, monitor, run.folder / finished.checkpoint)
            case _, Failed(kind=FailureKind.DISK_FULL):
                let_go(attempt, monitor.request)  # it will go on where there is space
            case _, Failed() as failed:
                attempt.fail(failed.kind, failed.detail, trainer.log_tail())
            case _ if trainer.refused:  # the same arguments would be refused again
                attempt.fail(FailureKind.TRAINER_REFUSED, trainer.refused, trainer.log_tail())
            case _, Stopped() if not stalled:  # also when somebody else asked it to, such as an init system
                let_go(attempt, monitor.request)
            case _ if trainer.was_stopped and not stalled:
                let_go(attempt, monitor.request)
            case _ if stalled:
                detail = f"the trainer said nothing for {settings.watchdog_s:g} s"
                attempt.strike(FailureKind.STALLED, detail, trainer.log_tail())
            case _:
                detail = f"the trainer ended without a word: {trainer.ending}"
                attempt.strike(FailureKind.TRAINER_CRASHED, detail, trainer.log_tail())

    def _deliver(self, attempt: Attempt, monitor: RunMonitor[Event], checkpoint: Path) -> None:
        """Put the model on the shelf, commit the job to it, and publish it."""
        try:
            model_id = self._with_space(monitor, lambda: self._places.shelf.add(checkpoint)).model_id
        except CheckpointError as error:
            attempt.fail(FailureKind.BAD_CHECKPOINT, str(error))
            return
        crash_point("publish:before-commit")
        if not attempt.commit(model_id):
            attempt.acknowledge_cancel()
            return
        crash_point("publish:after-commit")
        try:
            attempt.publish(lambda: publish(self._store, self._places.shelf, attempt.job.id))
        except (ShelfBusy, StoreError, OSError) as error:
            logger.warning("job %s: left to the sweeper: %s", attempt.job.id, error)

    def _trainer_arguments(self, run: RunDir, job: Job) -> list[str]:
        settings = self._settings
        arguments = ["--run-dir", str(run.folder), "--recipe", str(run.recipe)]
        if imported := job.training.dataset_id:
            arguments += ["--dataset-folder", str(self._places.datasets.folder(imported))]
        else:
            arguments += ["--datasets", str(settings.datasets_dir)]
        arguments += ["--device", self._device]
        if settings.trainer_threads is not None:
            arguments += ["--threads", str(settings.trainer_threads)]
        if not settings.cuda_graph:
            arguments.append("--no-cuda-graph")
        return arguments


def _log(job_id: str, event: Event | None) -> None:
    """What the trainer's own log says too: this one is where a collector looks."""
    if event is not None:
        for line in in_words(event).splitlines():
            logger.info("job %s: %s", job_id, line.strip())
