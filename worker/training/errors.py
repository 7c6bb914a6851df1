"""Why a training run ends early. The whole tree is drawn in `core/errors.py`."""

from models.errors import DigitforgeError


class TrainingError(DigitforgeError):
    """A run cannot start or go on. `kind` names the reason in the words of the API."""

    kind = "training-failed"


class BadData(TrainingError):
    """A data set that is missing, damaged, or too small for the recipe."""

    kind = "bad-data"


class BadRunDirectory(TrainingError):
    """A run directory that belongs to another recipe or to other images."""

    kind = "bad-run-directory"


class Diverged(TrainingError):
    """A loss became NaN or infinite."""

    kind = "diverged"
