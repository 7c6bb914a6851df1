"""Why a training run ends early. The whole tree is drawn in `core/errors.py`."""

from core.errors import DigitforgeError


class TrainingError(DigitforgeError):
    """A run cannot start or go on. `kind` names the reason in the words of the API."""

    kind = "training-failed"


class BadData(TrainingError):
    """A data set that is missing, damaged, or too small for the recipe."""

    kind = "bad-data"


class BadRunDirectory(TrainingError):
    """A run directory that belongs to another recipe, to other images or to another version."""

    kind = "bad-run-directory"


class Diverged(TrainingError):
    """A loss or a weight became NaN or infinite at `step`."""

    kind = "diverged"

    def __init__(self, detail: str, step: int) -> None:
        super().__init__(f"{detail} at step {step}; a lower lr_g and lr_d, or a larger adam_eps, may help")
        self.step = step
