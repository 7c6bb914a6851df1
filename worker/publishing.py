"""Publishing the model of a committed job: on the shelf it is, now it is to become its data set's active one, or not.

Whoever comes by may do it: the worker that committed the job, or a sweeper after it vanished. Done twice, or by one
that was frozen half way, it overrules nobody: the shelf refuses when the active model was changed after the look at
the record that gave the right to change it.
"""

import logging

from core.crash import crash_point
from core.errors import CheckpointError, ModelNotFound, ShelfChanged
from jobs.record import Job, Publication
from jobs.store import JobStore
from models.shelf import Shelf

logger = logging.getLogger(__name__)


def publish(store: JobStore, shelf: Shelf, job_id: str) -> None:
    """Carry out the publication of a job, if it is not done yet.

    Raises JobNotFound, LeaseLost, ShelfBusy, StoreAway and RedisError; whoever comes by next does it then.
    """
    while True:
        changes = shelf.changes()
        job = store.get(job_id)  # the right to publish, at a moment after the changes were counted
        if not job.is_publishing:
            return
        try:
            publication = _activate(shelf, job, changes)
        except ShelfChanged:
            continue
        break
    assert job.model_id is not None
    crash_point("publish:before-success")
    store.publish(job_id, job.model_id, publication)
    state = "active" if publication.active else "not active"
    logger.info("job %s: succeeded with model %s, %s: %s", job_id, job.model_id, state, publication.reason)


def _activate(shelf: Shelf, job: Job, changes: int) -> Publication:
    """Make a job's model the active one of its data set, if the job says so. `Shelf` says when of the whole shelf."""
    assert job.model_id is not None
    asked = job.training.publish
    try:
        match asked:
            case "auto":
                verdict = shelf.activate_unless_worse(job.model_id, changes)
                return Publication(active=verdict.accepted, reason=verdict.reason)
            case "always":
                shelf.activate(job.model_id, changes)
    except ModelNotFound as error:
        return Publication(active=False, reason=f"it was removed from the shelf meanwhile: {error}")
    except CheckpointError as error:
        return Publication(active=False, reason=f"it was damaged on the shelf: {error}")
    return Publication(active=asked == "always", reason=f"the job said publish = {asked}")
