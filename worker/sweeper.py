"""The sweeper: brings to an end what vanished workers left, sends lost messages again, and clears up.

Every worker has one, and they may all run at once.
"""

import logging
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from celery import Celery
from kombu.exceptions import OperationalError
from redis import RedisError

from core.errors import JobNotFound, JobStateConflict, LeaseLost, ShelfBusy, StoreError
from core.files import remove_temporaries
from core.log_context import in_context
from core.run_dir import RunDir
from jobs.job_logs import about, about_id
from jobs.queue import enqueue, waiting_messages
from jobs.record import ImportSpec
from jobs.store import JobStore
from models.retention import Retention, remove_too_many
from sharing.garbage import Collector
from sharing.places import Places
from worker.apart import Looked
from worker.dataset_publishing import publish_dataset, upload_of
from worker.import_runs import keep_reports
from worker.meters import Number, WorkerMeters
from worker.publishing import publish

INTERVAL_S = 5.0
DAY_S = 86_400.0
MOST_S_TO_REMOVE = 5.0  # of a sweep: leases wait for it

logger = logging.getLogger(__name__)


class Sweeper:
    """Sweeps the jobs of one deployment."""

    def __init__(self, store: JobStore, places: Places, queue: Celery, meters: WorkerMeters | None = None) -> None:
        self._store, self._places, self._queue = store, places, queue
        self._settings = settings = places.settings
        # What a live trainer or supervisor writes at the moment is younger: it would have been given up long ago.
        self._stale_s = max(10 * settings.lease_s, 2 * settings.watchdog_s)
        self._cleared_at = 0.0
        self._meters = meters or WorkerMeters([])

    def sweep_until(self, stop: Event | Looked) -> None:
        """Sweep now and every few seconds until `stop` is set."""
        interval_s = min(INTERVAL_S, self._settings.lease_s)
        while not stop.is_set():
            self.sweep()
            stop.wait(interval_s)

    def sweep(self) -> None:
        """Once through everything. What goes wrong is logged, and neither ends the rest nor the sweeper."""
        for chore in (
            self._take_expired_leases,
            self._publish_what_was_committed,
            self._send_lost_messages,
            self._remove_old_jobs,
            self._clear_up,
        ):
            with self._put_off(chore.__name__.strip("_").replace("_", " ")):
                chore()
        self._meters.count(Number.SWEEPS)
        self._meters.set(Number.SWEPT_AT, time.time())

    def _take_expired_leases(self) -> None:
        for job_id, status in self._store.sweep().items():
            with about_id(self._store, job_id):
                logger.warning("job %s: its worker vanished; now %s", job_id, status)

    def _publish_what_was_committed(self) -> None:
        for job_id in self._store.publishing_ids():
            with about_id(self._store, job_id), self._put_off(f"publish job {job_id}"):
                logger.warning("job %s: its worker vanished before its publication; published now", job_id)
                try:
                    self._publish(job_id)
                except (JobNotFound, LeaseLost) as error:
                    logger.info("job %s: somebody else was faster: %s", job_id, error)
                except (ShelfBusy, StoreError) as error:
                    logger.warning("job %s: published later: %s", job_id, error)

    def _publish(self, job_id: str) -> None:
        if isinstance(self._store.get(job_id).spec, ImportSpec):
            publish_dataset(self._store, self._places, job_id)
        else:
            publish(self._store, self._places.shelf, job_id)

    def _send_lost_messages(self) -> None:
        """When no message waits at all, send one for each training that may begin; imports need no messages.

        A job between its record and its message may get two: the second finds nothing to claim. Waiting for an empty
        queue keeps a long one from being flooded; any message leads to the oldest job, so none is passed over.
        """
        if waiting_messages(self._queue) == 0:
            for job_id in self._store.claimable_ids("train"):
                with about_id(self._store, job_id):
                    logger.info("job %s: queued without a message; sent again", job_id)
                enqueue(self._queue, job_id)

    def _remove_old_jobs(self) -> None:
        """Delete the jobs that ended long ago, and the files of all that are deleted."""
        for job_id in self._store.ended_ids(self._settings.retention_days * DAY_S):
            try:
                self._store.delete(job_id)
            except (JobNotFound, JobStateConflict) as error:
                logger.info("job %s: somebody else was faster: %s", job_id, error)
        until = time.monotonic() + MOST_S_TO_REMOVE
        for job_id in self._store.deleted_ids():
            if self._places.runs.remove(job_id):  # else the next sweep tries again
                self._store.forget(job_id)
                with in_context(job_id=job_id):  # its record is gone
                    logger.info("job %s: deleted with its files", job_id)
            if time.monotonic() >= until:
                break

    def _clear_up(self) -> None:
        """Now and then, remove what processes that are gone have left, and uploads that nobody uses any more."""
        if time.monotonic() - self._cleared_at > self._stale_s / 10:
            self._cleared_at = time.monotonic()
            settings = self._settings
            for root in (settings.runs_dir, settings.shelf_dir, settings.imported_dir, settings.uploads_dir):
                remove_temporaries(root, self._stale_s)
            remove_temporaries(settings.runs_cache_dir, self._stale_s)
            self._remove_what_imports_left()
            self._remove_old_uploads()
            self._remove_old_models()
            self._remove_runs_of_deleted_jobs()

    def _remove_runs_of_deleted_jobs(self) -> None:
        """Remove what this machine has of jobs that another one deleted."""

        def deleted(job_ids: Collection[str]) -> set[str]:
            found = self._store.without_record(job_ids)
            if found and self._places.store is not None:  # in another Redis, or an empty one, no job has a record
                Collector(self._places.store, self._store, self._settings.store_grace_s).require_ours()
            return found

        for job_id in self._places.runs.remove_strays(deleted, DAY_S):
            with in_context(job_id=job_id):
                logger.info("job %s: its files on this machine are removed: it was deleted", job_id)

    def _remove_what_imports_left(self) -> None:
        """Remove data sets of imports that ended after their worker vanished: cancelled in the queue, or struck out."""
        for made in self._places.runs.root.glob("*/attempt-*/dataset"):
            job_id = made.parent.parent.name
            try:
                job = self._store.get(job_id)
            except JobNotFound:  # its files are removed with it
                continue
            if job.status.is_terminal:
                keep_reports(RunDir(made.parent))
                with about(job):
                    logger.warning("job %s: what it left behind is removed", job_id)
        for key in self._places.datasets.forget_offers(self._is_over):
            logger.warning("job %s: the data set that its attempt had offered is removed", key.partition("/")[0])

    def _is_over(self, key: str) -> bool:
        try:
            return self._store.get(key.partition("/")[0]).status.is_terminal
        except JobNotFound:
            return True

    def _remove_old_uploads(self) -> None:
        """Remove the uploads that were not used for a day, but for those that an import waits for."""
        wanted = {upload_of(job) for job in self._store.alive()}
        uploads = self._places.uploads
        for upload_id in uploads.delete_old(keep=wanted):
            logger.info("upload %s: not used for a day, removed", upload_id)
        for upload_id in uploads.delete_broken_off(self._stale_s):
            logger.info("upload %s: its request broke off with the API, removed", upload_id)

    def _remove_old_models(self) -> None:
        """Remove the models that are more, or older, than the settings keep, but for those that a job publishes."""
        keep = Retention(self._settings.keep_models, self._settings.keep_models_days)
        self._places.shelf.drop_stray_notes()
        if keep.is_for_ever:
            return
        wanted = {job.model_id for job in self._store.alive()}
        for model_id in remove_too_many(self._places.shelf, keep, wanted):
            most = f"models: {keep.models or 'any number'}, days: {keep.days or 'any number'}"
            logger.info("model %s: removed from the shelf, which keeps %s", model_id, most)

    @contextmanager
    def _put_off(self, chore: str) -> Iterator[None]:
        """Log whatever error ends the block; the next sweep tries again."""
        try:
            yield
        except (RedisError, OperationalError, OSError, ShelfBusy, StoreError) as error:  # away, full, or held
            logger.warning("put off: %s: %s", chore, error)
            self._meters.count(Number.PUT_OFF)
        except Exception:
            logger.exception("put off: %s", chore)
            self._meters.count(Number.PUT_OFF)
