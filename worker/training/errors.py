"""Why a training run ends early. The whole tree is drawn in `core/errors.py`."""

from typing import ClassVar

from core.errors import DigitforgeError
from core.vocabulary import FailureKind


class TrainingError(DigitforgeError):
    """A run cannot start or go on. Each subclass says of which kind it is."""

    kind: ClassVar[FailureKind]


class BadData(TrainingError):
    """A data set that is missing, damaged, or too small for the recipe."""

    kind = FailureKind.BAD_DATA


class BadRunDirectory(TrainingError):
    """A run directory that belongs to another recipe, to other images or to another version."""

    kind = FailureKind.BAD_RUN_DIRECTORY


class Diverged(TrainingError):
    """A loss or a weight became NaN or infinite at `step`."""

    kind = FailureKind.DIVERGED

    def __init__(self, detail: str, step: int) -> None:
        super().__init__(f"{detail} at step {step}; a lower lr_g and lr_d, or a larger adam_eps, may help")
        self.step = step
