"""Buckets of callers in memory that the processes of an API share, from before they were forked.

A process never waits for another one and needs no lock, because it writes none but its own cells: of each bucket, how
much it has spent there, and the lowest balance that it has seen. The balance is what all processes have spent, less the
time; a bucket's level is the balance above its lowest one ever, which is what the arithmetic of `access/gcra.py` comes
to: a level never falls below 0. Two processes that decide at the very same moment do not see each other's decision, so
that both may pass; both are counted all the same, and paid off by what comes next.
"""

import mmap
import time
from array import array
from collections.abc import Hashable

from access.gcra import Rate

SLOTS = 16_384
PROBED = 64  # slots that a key may be in
_BYTES = array("q").itemsize


class SharedBuckets:
    """Levels in nanoseconds, by any key whose hash all processes agree on, such as a string's after a fork.

    A bucket that is empty gives its slot away. A process that is replaced leaves its cells to the next one.
    """

    def __init__(self, processes: int = 1, slots: int = SLOTS) -> None:
        self._processes, self._slots = processes, slots
        self._width = 1 + 2 * processes  # the key's hash, what each has spent, and the lowest balance of each
        self._cells = memoryview(mmap.mmap(-1, slots * self._width * _BYTES)).cast("q")
        self._number = 0

    def become(self, number: int) -> None:
        """Write the cells with this number from now on."""
        self._number = number

    def take(self, key: Hashable, rate: Rate, cost: int, now: int | None = None) -> tuple[int, int | None]:
        """Fill a bucket by a cost, unless it overflows: its level afterwards, and how long to wait, as `Rate` has it.

        Where no slot is free, nothing is counted: (0, 0).
        """
        now = time.monotonic_ns() if now is None else now
        slot = self._slot(hash(key) or 1, now)
        if slot is None:
            return 0, 0
        level, balance = self._level(slot, now)
        wait = rate.wait(level, cost)
        if wait == 0:
            own = slot + 1 + self._number
            lowest = own + self._processes
            if balance < self._cells[lowest]:
                self._cells[lowest] = balance
            self._cells[own] += cost * rate.interval
            level += cost * rate.interval
        return level, wait

    def give_back(self, key: Hashable, rate: Rate, cost: int) -> None:
        """Undo a `take` that passed."""
        slot = self._find(hash(key) or 1)
        if slot is not None:
            self._cells[slot + 1 + self._number] -= cost * rate.interval

    def level(self, key: Hashable, now: int | None = None) -> int:
        """The level of a bucket."""
        slot = self._find(hash(key) or 1)
        return 0 if slot is None else self._level(slot, time.monotonic_ns() if now is None else now)[0]

    def _level(self, slot: int, now: int) -> tuple[int, int]:
        """The level of a slot, and its balance."""
        first = slot + 1 + self._processes
        balance = sum(self._cells[slot + 1 : first]) - now
        return max(0, balance - min(self._cells[first : first + self._processes])), balance

    def _slot(self, mark: int, now: int) -> int | None:
        """Where a key's cells begin, given a slot where it has none. None where all that it may be in are taken."""
        found = self._find(mark)
        if found is None:
            free = (slot for slot in self._probed(mark) if not self._cells[slot] or not self._level(slot, now)[0])
            found = next(free, None)
            if found is not None:
                self._cells[found] = mark  # if another process does so at the same moment, one of them looks again
        return found

    def _find(self, mark: int) -> int | None:
        for slot in self._probed(mark):
            held = self._cells[slot]
            if held == mark:
                return slot
            if not held:
                break
        return None

    def _probed(self, mark: int) -> range | list[int]:
        first = mark % self._slots
        last = first + PROBED
        if last <= self._slots:
            return range(first * self._width, last * self._width, self._width)
        return [place % self._slots * self._width for place in range(first, last)]


class Buckets:
    """All that the processes of an API share: the buckets of callers, and those of addresses that guess keys."""

    def __init__(self, processes: int = 1) -> None:
        self.callers, self.addresses = SharedBuckets(processes), SharedBuckets(processes)

    def become(self, number: int) -> None:
        """Write the cells with this number from now on."""
        self.callers.become(number)
        self.addresses.become(number)
