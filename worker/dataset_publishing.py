"""Publishing the data set of a committed import: it is moved to where all of them are, and its name points to it.

Whoever comes by may do it: the worker that committed the job, or a sweeper after it vanished. Each step may be done
twice. The record is read while nobody else publishes, so that one who was frozen half way overrules no later import
under the same name.
"""

import logging
from contextlib import suppress

from core.crash import crash_point
from core.dataset_shelf import Committed
from core.errors import UploadNotFound
from jobs.record import Job
from jobs.store import JobStore
from sharing.places import Places
from worker.import_runs import keep_reports

logger = logging.getLogger(__name__)


def publish_dataset(store: JobStore, places: Places, job_id: str) -> None:
    """Carry out the publication of an import, if it is not done yet.

    Raises JobNotFound, LeaseLost, ShelfBusy, StoreAway, RedisError and OSError; whoever comes by next does it then.
    """
    job = store.get(job_id)
    if not job.is_publishing:
        return
    assert job.dataset is not None
    places.datasets.publish(lambda: _committed(places, store.get(job_id)))
    keep_reports(places.runs.of(job.id).attempt(job.attempt))
    _remove_upload(store, places, job)
    crash_point("import:before-success")
    store.publish(job.id, job.dataset)
    logger.info("job %s: succeeded with data set %s", job.id, job.dataset)


def attempt_key(job: Job) -> str:
    """What an attempt at an import offers its data set under."""
    return f"{job.id}/{job.attempt}"


def _committed(places: Places, job: Job) -> Committed | None:
    """What a job is committed to; None once it has succeeded."""
    if not job.is_publishing or job.dataset is None:
        return None
    made = places.runs.of(job.id).attempt(job.attempt).dataset
    return Committed(attempt_key(job), job.importing.name, job.dataset, made)


def _remove_upload(store: JobStore, places: Places, job: Job) -> None:
    """Remove what was imported, unless another job is to import it too."""
    upload = job.importing.upload
    with suppress(UploadNotFound):
        places.uploads.delete_unless(upload, lambda: store.importing(upload) != [job.id])


def upload_of(job: Job) -> str | None:
    """The upload that a job imports; none of a training."""
    return job.importing.upload if job.spec.kind == "import" else None
