"""What a worker measures of itself: in the main process, and for each device in the pool child that trains on it.

The children are forked from the main process, so they share the memory of these numbers.
"""

import mmap
import time
from enum import IntEnum

_BYTES = 8


class Number(IntEnum):
    """What is kept of the worker as a whole."""

    SWEEPS = 0
    SWEPT_AT = 1
    PUT_OFF = 2  # chores of the sweeper
    IMPORT_LANE_UP = 3
    IMPORT_LANE_STARTS = 4


class LaneNumber(IntEnum):
    """What is kept of each device."""

    TRAINER = 0  # its process id; 0 for none
    IMAGES_PER_S = 1
    BEAT_AT = 2
    JOBS = 3  # attempts that began


class WorkerMeters:
    """The meters of a worker with some devices. Each number has one writer."""

    def __init__(self, devices: list[str]) -> None:
        self.devices = devices
        count = len(Number) + len(devices) * len(LaneNumber)
        self._numbers = memoryview(mmap.mmap(-1, count * _BYTES)).cast("d")

    def __getitem__(self, number: Number) -> float:
        return self._numbers[number]

    def set(self, number: Number, value: float) -> None:
        """What a number is now."""
        self._numbers[number] = value

    def count(self, number: Number) -> None:
        """One more."""
        self._numbers[number] += 1

    def lane(self, index: int) -> "Lane":
        """The device with this place in the list."""
        first = len(Number) + index * len(LaneNumber)
        return Lane(self._numbers[first : first + len(LaneNumber)])


class Lane:
    """A device at work, or idle."""

    def __init__(self, numbers: "memoryview[float]") -> None:
        self._numbers = numbers

    def __getitem__(self, number: LaneNumber) -> float:
        value: float = self._numbers[number]
        return value

    def begin(self, trainer: int) -> None:
        """A trainer with this process id works for it."""
        self._numbers[LaneNumber.JOBS] += 1
        self._numbers[LaneNumber.TRAINER] = trainer
        self.beat(0.0)

    def beat(self, images_per_s: float) -> None:
        """It is supervised, and trains at this rate as far as is known."""
        self._numbers[LaneNumber.IMAGES_PER_S] = images_per_s
        self._numbers[LaneNumber.BEAT_AT] = time.time()

    def idle(self) -> None:
        """Nothing runs on it."""
        self._numbers[LaneNumber.TRAINER] = self._numbers[LaneNumber.IMAGES_PER_S] = 0.0
