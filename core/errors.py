"""What can go wrong, in one tree.

    DigitforgeError                 models/errors.py
    +-- CheckpointError             a checkpoint folder that cannot be trusted
    |   +-- JudgeDamaged            models/errors.py: the judge of a data set cannot be trusted
    +-- JudgeNotFound               models/errors.py: the data set has another judge, or none
    +-- ModelNotFound               no such model on the shelf
    +-- TrainingError               worker/training/errors.py: a run cannot start or go on
    |   +-- BadData
    |   +-- BadRunDirectory
    |   +-- Diverged
    +-- StartError                  a command cannot start, because of a setting or of this machine
    +-- JobNotFound                 no such job
    +-- JobStateConflict            the job's state forbids the call
    +-- LeaseLost                   the caller no longer owns the job
    +-- QueueFull                   too many jobs wait already
    +-- IdempotencyKeyReused        the key came with another request before
    +-- ShelfChanged                models/errors.py: another model was made active meanwhile
    +-- ShelfBusy                   models/errors.py: somebody else is changing the active model

Redis being away is redis-py's own `RedisError`, see `core/redis_away.py`. `app/problems.py` holds the one mapping to
HTTP.
"""

from models.errors import DigitforgeError


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


class IdempotencyKeyReused(DigitforgeError):
    """The Idempotency-Key came with another request before."""
