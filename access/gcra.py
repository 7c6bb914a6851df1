"""How much may pass in a window of time: the generic cell rate algorithm, with a cost. Pure arithmetic.

ITU-T Recommendation I.371, annex A: the virtual scheduling algorithm. What passes fills a bucket by its cost, and the
bucket empties evenly, at a rate that empties a full one in one window. Its level is a time: how long it takes until it
is empty, which is the theoretical arrival time less the present. So a caller may use the whole allowance of a window at
once, and gets it back evenly. The same arithmetic stands in `jobs/scripts/limits.lua`.
"""

from functools import lru_cache
from math import ceil
from typing import NamedTuple

NS = 1_000_000_000  # a second in the unit of levels in memory
US = 1_000_000  # and of those in Redis


class Rate(NamedTuple):
    """A limit of units a window. Levels and times are whole numbers, in the unit of time of `interval`."""

    limit: int
    interval: int  # what one unit adds to the level, rounded up

    @property
    def capacity(self) -> int:
        """The level of a full bucket."""
        return self.limit * self.interval

    def wait(self, level: int, cost: int) -> int | None:
        """How long until a cost may pass: 0 for now, None for never, as it is above the limit itself."""
        if cost > self.limit:
            return None
        return max(0, level + cost * self.interval - self.capacity)

    def remaining(self, level: int) -> int:
        """How much may pass now."""
        return max(0, (self.capacity - level) // self.interval)


@lru_cache(maxsize=1024)
def rate(limit: int, window_s: int, second: int = NS) -> Rate:
    """So many units in so many seconds; `second` is one in the unit of levels."""
    return Rate(limit, ceil(window_s * second / limit) if limit else window_s * second)
