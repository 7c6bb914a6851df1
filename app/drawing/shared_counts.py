"""A number of each process that all of them can read, in memory that they share from before they were forked."""

import mmap
from array import array

_BYTES = array("q").itemsize


class SharedCounts:
    """So many counts, one for each process, all 0 at first. Each process writes none but its own."""

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self._number = 0
        self._counts = memoryview(mmap.mmap(-1, processes * _BYTES)).cast("q")

    def become(self, number: int) -> None:
        """Own the count with this number from now on, which begins at 0: whoever owned it before has ended."""
        self._number = number
        self.own = 0

    @property
    def own(self) -> int:
        """The count of this process."""
        return self._counts[self._number]

    @own.setter
    def own(self, value: int) -> None:
        self._counts[self._number] = value

    def total(self) -> int:
        """The sum over all processes."""
        return sum(self._counts)
