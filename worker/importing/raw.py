"""What a source of images yields, whatever its format: images as they came, and what is wrong with its files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from core.errors import DigitforgeError
from core.import_report import FileProblem

Split = Literal["train", "test"]


class SourceRejected(DigitforgeError):
    """No data set can be made of what came. The text says why, and what would do."""


@dataclass(frozen=True, slots=True)
class RawImage:
    """One image in the size, the channels and the orientation that it came in, in 8 bits."""

    file: str  # its path in the source; with `#k` behind it, image k of a file of many
    pixels: np.ndarray  # uint8 [H, W, C]; C is 1 for grey, 2 with alpha, 3 for RGB, 4 with alpha; not premultiplied
    label: str | int | None  # the name of its folder, or a number
    split: Split | None  # where the source says it
    mode: str  # what its pixels were, for the report: `RGBA`, `I;16`, `uint8`, `float32 0..1`


Item = RawImage | FileProblem


class Source(Protocol):
    """A file of images that is open for reading. It is iterated once, in the order of the file.

    A problem with a file that is `repaired` or `kept` comes just before its image; of a `dropped` one no image comes.
    Raises SourceRejected, also halfway. No other exception leaves it, whatever the bytes are.
    """

    format: str  # for the report: `zip`, `idx`, `csv`
    total: int | None  # how many images and dropped files there are, where that is known; for the progress
    notes: list[str]  # what was chosen, in sentences; complete once iterated

    def __iter__(self) -> Iterator[Item]: ...
