"""Numbers of each process that all of them can read, in memory that they share from before they were forked.

No lock and no file: each process writes none but its own row, and a number of eight bytes is read whole.
"""

import mmap
from collections.abc import Iterable

import numpy as np


class SharedNumbers:
    """A row of numbers for each process, all 0 at first. For use on one thread of each."""

    def __init__(self, processes: int, slots: int) -> None:
        self.processes = processes
        self._slots = slots
        memory = mmap.mmap(-1, processes * slots * np.dtype(np.float64).itemsize)
        self._rows = np.frombuffer(memory, np.float64).reshape(processes, slots)
        self._all = memoryview(memory).cast("d")
        self.own = self._all[:slots]

    def become(self, number: int, anew: Iterable[int]) -> None:
        """Own the row with this number from now on.

        What its owner before had counted stays, so that no count goes back; the slots `anew` begin at 0.
        """
        self.own = self._all[number * self._slots : (number + 1) * self._slots]
        for slot in anew:
            self.own[slot] = 0.0

    def totals(self) -> list[float]:
        """The sum over all processes, slot by slot."""
        totals: list[float] = self._rows.sum(axis=0).tolist()
        return totals

    def each(self, slot: int) -> list[float]:
        """A slot of each process."""
        values: list[float] = self._rows[:, slot].tolist()
        return values
