"""What can go wrong, in one tree.

    DigitforgeError                 root of every error that this project raises on purpose
    +-- CheckpointError             a checkpoint folder that cannot be trusted
    |   +-- JudgeDamaged            the judge of a data set cannot be trusted
    +-- DatasetDamaged              an imported data set cannot be trusted
    +-- DatasetNotFound             no such data set
    +-- DatasetDeleted              its images are gone
    +-- JudgeNotFound               the data set has another judge, or none
    +-- ModelNotFound               no such model on the shelf
    +-- ModelInUse                  a model that is active, or has labels, is not deleted
    +-- ShelfChanged                another model was made active meanwhile
    +-- ShelfBusy                   somebody else is changing the active model, or the data sets
    +-- StoreError                  the store that machines share
    |   +-- StoreAway               it does not answer
    |   +-- StoreRefused            it answers that we may not
    |   +-- StoreBusy               others are changing the same, and do not end
    |   +-- ObjectNotFound          there is no object under a key
    |   +-- DocumentDamaged         what is there cannot be trusted
    +-- TrainingError               worker/training/errors.py: a run cannot start or go on
    |   +-- BadData
    |   +-- BadRunDirectory
    |   +-- Diverged
    +-- SourceRejected              worker/importing/raw.py: no data set can be made of what was uploaded
    +-- StartError                  a command cannot start, because of a setting or of this machine
    +-- JobNotFound                 no such job
    +-- JobStateConflict            the job's state forbids the call
    +-- LeaseLost                   the caller no longer owns the job
    +-- QueueFull                   too many jobs wait already
    +-- QuotaExceeded               the caller has used as much as it may
    +-- UploadNotFound              no such upload
    +-- UploadBusy                  somebody else writes it at the moment
    +-- UploadOffsetConflict        its bytes so far end elsewhere
    +-- UploadsFull                 all uploads together are too large
    +-- UploadTooLong               more bytes came than were announced
    +-- UploadIncomplete            not all of it came yet
    +-- WebhookNotFound             no such webhook
    +-- WebhookDisabled             it is told nothing any more
    +-- WebhookUnreachable          its URL leads to no address that may be reached
    +-- TooManyWebhooks             its owner has as many as may be
    +-- IdempotencyKeyReused        the key came with another request before
    +-- KeyRefused                  access/keyring.py: a text that is no valid key
    +-- KeysAway                    access/keyring.py: nobody can tell whether a key is valid
    +-- KeyNotFound                 no key with this id
    +-- KeyInFile                   the key stands in a file, and is changed there

Redis being away is redis-py's own `RedisError`, see `jobs/redis_away.py`. `app/http/problems.py` holds the one mapping
to HTTP.
"""


class DigitforgeError(Exception):
    """Root of every error that this project raises on purpose."""


class CheckpointError(DigitforgeError):
    """A folder of weights that cannot be trusted: missing, truncated, altered, or not what its card says."""


class JudgeDamaged(CheckpointError):
    """The judge of a data set cannot be trusted."""


class DatasetDamaged(DigitforgeError):
    """An imported data set that cannot be trusted: its card or its arrays are missing, truncated or of other shapes."""


class DatasetNotFound(DigitforgeError):
    """No data set has this name or id."""


class DatasetDeleted(DigitforgeError):
    """The images of a data set are gone, and its card is left."""

    def __init__(self, dataset_id: str) -> None:
        super().__init__(f"data set {dataset_id} was deleted: its card is left, its images are gone")


class JudgeNotFound(DigitforgeError):
    """The judge of a data set is another one than the one that is asked for, or there is none."""


class ModelNotFound(DigitforgeError):
    """No model with this id stands on the shelf."""


class ModelInUse(DigitforgeError):
    """The model cannot be deleted: it ships with the project, is active, was just before, or has labels."""


class ShelfChanged(DigitforgeError):
    """Another model was made active meanwhile."""


class ShelfBusy(DigitforgeError):
    """Somebody else is changing the active model or the data sets, and does not end."""


class StoreError(DigitforgeError):
    """What goes wrong with the store that machines share."""


class StoreAway(StoreError):
    """It does not answer, or answers that it cannot now. Another try may succeed."""


class StoreRefused(StoreError):
    """It answers that these credentials may not, or that there is no such bucket."""


class StoreBusy(StoreAway):
    """Others are changing the same, and do not end."""


class ObjectNotFound(StoreError):
    """There is no object under a key."""


class DocumentDamaged(StoreError):
    """An object that cannot be trusted: truncated, altered, or not what its key says."""


class StartError(DigitforgeError):
    """The command cannot start. The text names the setting, its value, and what is allowed; a line for each fault."""


class JobNotFound(DigitforgeError):
    """No job with this id."""


class JobStateConflict(DigitforgeError):
    """The job is in a state that forbids the call."""


class LeaseLost(DigitforgeError):
    """The job belongs to someone else by now, or has ended: nothing that the caller does counts any more."""


class QueueFull(DigitforgeError):
    """As many jobs wait as may wait."""

    def __init__(self, most: int, retry_after_s: int) -> None:
        super().__init__(f"{most} jobs wait already, which is the most that may")
        self.retry_after_s = retry_after_s


class QuotaExceeded(DigitforgeError):
    """The caller has used as much as it may."""

    def __init__(self, name: str, limit: int, retry_after_s: int | None, why: str = "that much is used") -> None:
        """`name` is the field of `Limits`. `retry_after_s` is None where waiting does not help, or nobody knows."""
        again = "" if retry_after_s is None else f"; allowed again in {retry_after_s} s"
        super().__init__(f"the limit {name} is {limit}, and {why}{again}")
        self.name, self.limit, self.retry_after_s = name, limit, retry_after_s


class IdempotencyKeyReused(DigitforgeError):
    """The Idempotency-Key came with another request before."""


class UploadNotFound(DigitforgeError):
    """No upload with this id."""


class UploadBusy(DigitforgeError):
    """Somebody else writes the upload at the moment."""


class UploadOffsetConflict(DigitforgeError):
    """The bytes of the upload so far end elsewhere."""

    def __init__(self, upload_id: str, asked: int, offset: int) -> None:
        super().__init__(f"upload {upload_id!r} goes on at offset {offset}, not at {asked}")
        self.offset = offset


class UploadsFull(DigitforgeError):
    """All uploads together are as large as they may be."""

    def __init__(self, there: int, most: int) -> None:
        how = "delete some, or wait: each is removed a day after its last use"
        super().__init__(f"uploads of {there} bytes are here already; allowed: {most} bytes in all; {how}")


class UploadTooLong(DigitforgeError):
    """More bytes came than the upload was announced with."""


class UploadIncomplete(DigitforgeError):
    """Not all bytes of the upload came yet."""


class KeyRefused(DigitforgeError):
    """A text that is no key, or a key that is unknown, was revoked or has expired."""


class KeysAway(DigitforgeError):
    """Redis is away, and nobody else can tell whether a key is valid, or still is."""


class KeyNotFound(DigitforgeError):
    """No key with this id."""


class KeyInFile(DigitforgeError):
    """The key stands in DIGITFORGE_KEYS_FILE, which the service does not change."""


class WebhookNotFound(DigitforgeError):
    """No webhook with this id."""


class WebhookDisabled(DigitforgeError):
    """The webhook is told nothing any more: its receiver did not want to hear, or failed for days."""


class WebhookUnreachable(DigitforgeError):
    """The URL of a webhook leads to no address, or to one that may not be reached."""

    def __init__(self, host: str) -> None:
        super().__init__(f"the host {host!r} does not resolve, or not only to addresses that webhooks may reach")


class TooManyWebhooks(DigitforgeError):
    """The caller has as many webhooks as it may have."""
