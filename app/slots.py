"""Things of which there are few, such as event streams: who holds how many, counted over all processes of the API.

Each process writes a part of its own of a memory that they share from before they were forked, and reads all of it.
Nothing is locked, so that several processes at once may each give one slot too many.
"""

import mmap

import numpy as np

from app.drawing.shared_counts import SharedCounts


class AllTaken(Exception):
    """No slot is free."""


class OwnTaken(Exception):
    """The owner holds as many slots as it may."""


class Slots:
    """So many slots in all. For use on one thread of each process."""

    def __init__(self, most: int, processes: int = 1) -> None:
        self.most = most
        self._counts = SharedCounts(processes)
        shared = mmap.mmap(-1, 8 * most * processes)
        self._owners = np.frombuffer(shared, dtype=np.int64).reshape(processes, most)  # by hash; 0 is a free one
        self.become(0)

    def become(self, number: int) -> None:
        """Own the part with this number from now on. It is empty: whoever owned it before has ended."""
        self._counts.become(number)
        self._own = self._owners[number]
        self._own[:] = 0
        self._free = list(range(self.most))

    @property
    def taken(self) -> int:
        """How many are taken, in all processes."""
        return self._counts.total()

    def taken_by(self, owner: str) -> int:
        """How many an owner holds, in all processes."""
        return int(np.count_nonzero(self._owners == _mark(owner)))

    def take(self, owner: str, most: int | None = None) -> int:
        """The number of a slot that `owner` holds until it is given back. It may hold `most` of them.

        Raises AllTaken or OwnTaken.
        """
        taken = self.taken
        if most is not None and taken >= most and self.taken_by(owner) >= most:
            raise OwnTaken
        if taken >= self.most:
            raise AllTaken
        slot = self._free.pop()
        self._own[slot] = _mark(owner)
        self._counts.own += 1
        return slot

    def give_back(self, slot: int) -> None:
        """Let others have it."""
        self._own[slot] = 0
        self._counts.own -= 1
        self._free.append(slot)


def _mark(owner: str) -> int:
    """64 bits, keyed at random, and the same in processes that were forked from one."""
    return hash(owner) or 1
