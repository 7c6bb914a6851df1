"""The supervisor of imports: carries one from its claim to its end by way of one importer process."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

from core.crash import crash_point
from core.disk_full import StoppedWhileFull
from core.errors import LeaseLost, ShelfBusy, StoreAway, UploadBusy, UploadIncomplete, UploadNotFound
from core.files import new_folder, write_file
from core.run_dir import RunDir
from core.vocabulary import Answer, FailureKind
from jobs.record import Claim, Job
from worker.attempt import Attempt
from worker.carrying import MOST_S_TO_SAVE, JobSupervisor, let_go, warn_of_full_disk
from worker.dataset_publishing import attempt_key, publish_dataset
from worker.import_progress import ImportRun
from worker.import_runs import keep_reports
from worker.importer import ImporterProcess
from worker.importing.events import DryRun, Failed, Imported, Rejected
from worker.monitor import RunMonitor
from worker.saving import RunSaver

FULL_DISK_S = 5.0  # until the importer tries again
BUSY_S = 0.1  # until an upload is asked for again

logger = logging.getLogger(__name__)

Monitor = RunMonitor[Any]  # of the importer's events, and of the warnings of the supervisor


class ImportSupervisor(JobSupervisor):
    """Runs imports one after another. An import that is stopped starts over at its next claim."""

    kind = "import"

    def _carry_out(self, claim: Claim, attempt: Attempt) -> None:
        if unknown := claim.job.importing.unknown_options:
            detail = f"the import has options that this worker's version does not know: {', '.join(unknown)}"
            attempt.fail(FailureKind.IMPORTER_REFUSED, detail)
            return
        monitor: Monitor = RunMonitor(self._store, claim, self._settings.heartbeat_s, ImportRun())
        try:
            source = self._take_upload(claim.job.importing.upload, monitor)
            run = self._prepare(attempt, monitor)
            with RunSaver(self._places.runs.copy_of(attempt.job, run, run.dataset.name)) as saver:
                monitor.saves = saver
                while self._import(attempt, monitor, run, source, saver) is FailureKind.DISK_FULL:
                    self._wait(monitor, FULL_DISK_S)
        except (UploadNotFound, UploadIncomplete) as error:
            attempt.fail(FailureKind.BAD_DATA, f"{error}; upload the file again")
        except StoppedWhileFull:
            let_go(attempt, monitor.request)

    def _take_upload(self, upload_id: str, monitor: Monitor) -> Path:
        """The file that is imported. A sweeper, or a client that tries to write on, may hold it for a moment."""
        fetch = partial(self._places.uploads.fetch, upload_id)
        while True:
            try:
                return self._with_store(monitor, fetch)
            except UploadBusy:
                self._wait(monitor, BUSY_S)

    def _prepare(self, attempt: Attempt, monitor: Monitor) -> RunDir:
        """The run directory of this attempt, with the options in it. Nothing of the attempts before is made use of."""
        job_dir, number = self._places.runs.of(attempt.job.id), attempt.job.attempt
        for before in job_dir.attempts(number - 1):
            keep_reports(before)
        run = job_dir.attempt(number)
        options = attempt.job.importing.options.model_dump_json(indent=2).encode() + b"\n"

        def make() -> None:
            with new_folder(run.folder, "import") as temporary:
                write_file(RunDir(temporary).import_options, options)

        self._with_space(monitor, make)
        return run

    def _import(
        self, attempt: Attempt, monitor: Monitor, run: RunDir, source: Path, saver: RunSaver
    ) -> FailureKind | None:
        """Run the importer to its end, and bring the record to where that leads; only a full disk is answered."""
        stalled = False
        with ImporterProcess(_arguments(attempt.job, run, source), run.importer_log) as importer:
            for event in importer.events(self._settings.heartbeat_s / 2):
                monitor.handle(event)
                stalled = monitor.silent_s > self._settings.watchdog_s
                if stalled or self._should_stop(monitor):
                    importer.kill()
        monitor.beat()  # the last of the events
        if not isinstance(monitor.last, Imported):
            keep_reports(run)
        self._save_reports(attempt.job, monitor, run, saver)

        match monitor.request, monitor.last:
            case ((Answer.CANCEL | Answer.LOST), _):
                keep_reports(run)
                let_go(attempt, monitor.request)
            case _, Imported() as imported:
                self._deliver(attempt, monitor, run, imported.dataset_id)
            case _, DryRun():
                if not attempt.succeed():
                    attempt.acknowledge_cancel()
            case _, Rejected() as rejected:
                attempt.fail(FailureKind.REJECTED, rejected.detail)
            case _, Failed(kind=FailureKind.DISK_FULL) as failed:
                warn_of_full_disk(monitor, failed.detail)
                return FailureKind.DISK_FULL
            case _, Failed() as failed:
                attempt.fail(failed.kind, failed.detail, importer.log_tail())
            case _ if importer.refused:  # the same arguments would be refused again
                attempt.fail(FailureKind.IMPORTER_REFUSED, importer.refused, importer.log_tail())
            case _ if self._should_stop(monitor):
                let_go(attempt, monitor.request)
            case _ if stalled:
                detail = f"the importer said nothing for {self._settings.watchdog_s:g} s"
                attempt.strike(FailureKind.STALLED, detail, importer.log_tail())
            case _:
                detail = f"the importer ended without a word: {importer.ending}"
                attempt.strike(FailureKind.IMPORTER_CRASHED, detail, importer.log_tail())
        return None

    def _save_reports(self, job: Job, monitor: Monitor, run: RunDir, saver: RunSaver) -> None:
        """Save what the importer says of the files, for readers elsewhere; else that of an attempt before stays.

        What it says at its end is what some imports are for, so it is waited for. Raises StoppedWhileFull then.
        """
        match monitor.request, monitor.last:
            case (Answer.LOST, _) | (_, Failed(kind=FailureKind.DISK_FULL)):
                return
            case Answer.OK, Imported() | DryRun() | Rejected():
                self._save_the_end(monitor, saver)
            case _ if run.report.is_file() or job.saved is None:
                saver.finish(monitor, MOST_S_TO_SAVE, self._tick_s)

    def _deliver(self, attempt: Attempt, monitor: Monitor, run: RunDir, dataset_id: str) -> None:
        """Commit the job to its data set, and publish it."""
        key = attempt_key(attempt.job)
        self._with_store(monitor, lambda tick: self._places.datasets.offer(key, dataset_id, run.dataset, tick))
        crash_point("import:before-commit")
        try:
            committed = attempt.commit(dataset_id)
        except LeaseLost:
            keep_reports(run)
            raise
        if not committed:
            keep_reports(run)
            attempt.acknowledge_cancel()
            return
        crash_point("import:after-commit")
        try:
            attempt.publish(lambda: publish_dataset(self._store, self._places, attempt.job.id))
        except (ShelfBusy, StoreAway, OSError) as error:
            logger.warning("job %s: left to the sweeper: %s", attempt.job.id, error)


def _arguments(job: Job, run: RunDir, source: Path) -> list[str]:
    spec = job.importing
    arguments = ["--source", str(source), "--out", str(run.folder), "--options", str(run.import_options)]
    arguments += ["--name", spec.name]
    if spec.file is not None:
        arguments += [f"--file-name={spec.file}"]  # it may begin with a dash
    return [*arguments, "--dry-run"] if spec.dry_run else arguments
