"""What every source of arrays has: images of one size by the thousand in a file, with their labels beside them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from core.image_shape import ImageShape
from core.import_report import DatasetWarning
from worker.importing.raw import Item


class ArraySource(ABC):
    """A `Source` that may also know what its images were made for, and what is wrong with them as a whole."""

    format: str
    total: int | None = None
    made_for: ImageShape | None = None  # the shape of a data set that was downloaded from here, to be kept

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[DatasetWarning] = []

    @abstractmethod
    def __iter__(self) -> Iterator[Item]:
        """As `Source` has it."""
