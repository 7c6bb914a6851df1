"""What can be wrong with a model. The whole tree is drawn in `core/errors.py`."""


class DigitforgeError(Exception):
    """Root of every error that this project raises on purpose."""


class CheckpointError(DigitforgeError):
    """A folder of weights that cannot be trusted: missing, truncated, altered, or not what its card says."""


class JudgeDamaged(CheckpointError):
    """The judge of a data set cannot be trusted."""


class JudgeNotFound(DigitforgeError):
    """The judge of a data set is another one than the one that is asked for, or there is none."""


class ModelNotFound(DigitforgeError):
    """No model with this id stands on the shelf."""


class ShelfChanged(DigitforgeError):
    """Another model was made active meanwhile."""


class ShelfBusy(DigitforgeError):
    """Somebody else is changing the active model, and does not end."""
