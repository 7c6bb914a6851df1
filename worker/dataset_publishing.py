"""Publishing the data set of a committed import: it is moved to where all of them are, and its name points to it.

Whoever comes by may do it: the worker that committed the job, or a sweeper after it vanished. Each step may be done
twice. The record is read behind the lock that is held to change data sets, so that one who was frozen half way
overrules no later import under the same name.
"""

import logging
from contextlib import suppress

from core.crash import crash_point
from core.errors import UploadNotFound
from core.files import remove_folder
from jobs.record import Job
from jobs.store import JobStore
from sharing.places import Places
from worker.import_runs import keep_reports

logger = logging.getLogger(__name__)


def publish_dataset(store: JobStore, places: Places, job_id: str) -> None:
    """Carry out the publication of an import, if it is not done yet.

    Raises JobNotFound, LeaseLost, ShelfBusy, RedisError and OSError; whoever comes by next does it then.
    """
    shelf = places.datasets
    with shelf.changing():
        job = store.get(job_id)
        if not job.is_publishing:
            return
        assert job.dataset is not None
        run = places.runs.of(job.id).attempt(job.attempt)
        if run.dataset.is_dir():  # else it was moved before, and its name may have another meaning since
            shelf.add(run.dataset, job.dataset)
            crash_point("import:added")
            shelf.point(job.importing.name, job.dataset)
            crash_point("import:named")
            remove_folder(run.dataset, "made")
        keep_reports(run)
    _remove_upload(store, places, job)
    crash_point("import:before-success")
    store.publish(job.id, job.dataset)
    logger.info("job %s: succeeded with data set %s", job.id, job.dataset)


def _remove_upload(store: JobStore, places: Places, job: Job) -> None:
    """Remove what was imported, unless another job is to import it too."""
    upload = job.importing.upload
    with suppress(UploadNotFound):
        places.uploads.delete_unless(upload, lambda: store.importing(upload) != [job.id])


def upload_of(job: Job) -> str | None:
    """The upload that a job imports; none of a training."""
    return job.importing.upload if job.spec.kind == "import" else None
