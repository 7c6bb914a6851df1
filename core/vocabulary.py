"""The closed sets of words that programs agree on: what happens to a job, what looks wrong, why it failed.

Each is written here and nowhere else, and `tests/test_docs_vocabulary.py` holds the documentation to it. Records read
from Redis keep such a word as plain text, because a newer worker may have written one that is not here yet.
"""

from enum import StrEnum


class EventType(StrEnum):
    """What an event of a job tells, with its data. The last three but one end the job."""

    QUEUED = "queued"  # reason: a QueuedReason
    RUNNING = "running"  # attempt
    JUDGING = "judging"  # the judge of an imported data set is trained before the first step: epoch, epochs, ...
    STARTED = "started"  # what a trainer said when it began: device, step, ...
    PROGRESS = "progress"  # the progress, without what has events of its own
    EPOCH = "epoch"  # an epoch's means and, where it was scored, its scores
    WARNING = "warning"  # kind: a WarningKind; step, detail, hint
    REQUESTED = "requested"  # request: cancel, pause, or null for a pause that was taken back
    PAUSED = "paused"
    PUBLISHING = "publishing"  # model, or dataset
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"  # stands only among the events of all jobs: those of the job are gone


class QueuedReason(StrEnum):
    """Why a job waits."""

    CREATED = "created"
    RELEASED = "released"  # by a worker that stopped
    RESUMED = "resumed"
    WORKER_LOST = "worker lost"
    TRAINER_LOST = "trainer lost"
    IMPORTER_LOST = "importer lost"


class Answer(StrEnum):
    """What the scripts in `jobs/scripts/` answer beside the status of a job. Each script's head says which."""

    OK = "ok"
    LOST = "lost"  # the caller does not own the job
    REFUSED = "refused"  # a claim of a job that is not queued
    KEPT = "kept"  # a lease that was not to be taken away
    CANCEL = "cancel"  # the owner is asked to
    PAUSE = "pause"
    CANCELLING = "cancelling"  # running, and asked to
    PAUSING = "pausing"
    PUBLISHING = "publishing"  # running, and it can only succeed
    DELETED = "deleted"  # its files are still to be removed
    FULL = "full"  # no more jobs may wait
    LIMITED = "limited"  # the caller has as many jobs as it may
    REUSED = "reused"  # an Idempotency-Key that came with another request
    REPLAYED = "replayed"  # one that came with this request


class WarningKind(StrEnum):
    """What may look wrong with a run that goes on."""

    UNTRAINED_CLASSES = "untrained-classes"
    D_OVERPOWERING = "d-overpowering"
    D_TOO_WEAK = "d-too-weak"
    STUCK = "stuck"
    COLLAPSE = "collapse"
    MISSING_CLASS = "missing-class"
    MEMORISED = "memorised"
    GREY_OUTPUT = "grey-output"
    CHECKERBOARD = "checkerboard"
    NOT_FINITE = "not-finite"
    SLOW_PRECISION = "slow-precision"
    DISK_FULL = "disk-full"
    STORE_AWAY = "store-away"  # of the store that machines share


class FailureKind(StrEnum):
    """Why a run or a job ended in failure."""

    BAD_DATA = "bad-data"
    BAD_RUN_DIRECTORY = "bad-run-directory"
    BAD_CHECKPOINT = "bad-checkpoint"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "oom"
    IO_ERROR = "io-error"
    DISK_FULL = "disk-full"  # of a run by hand; a job waits for space
    TRAINER_REFUSED = "trainer-refused"
    TRAINER_CRASHED = "trainer-crashed"
    REJECTED = "rejected"  # no data set can be made of what was uploaded
    IMPORTER_REFUSED = "importer-refused"
    IMPORTER_CRASHED = "importer-crashed"
    STALLED = "stalled"
    WORKER_LOST = "worker-lost"
    INTERNAL = "internal"

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed another time."""
        return self in _RETRYABLE


_RETRYABLE = {
    FailureKind.OUT_OF_MEMORY,
    FailureKind.IO_ERROR,
    FailureKind.DISK_FULL,
    FailureKind.TRAINER_CRASHED,
    FailureKind.IMPORTER_CRASHED,
    FailureKind.STALLED,
    FailureKind.WORKER_LOST,
    FailureKind.INTERNAL,
}
