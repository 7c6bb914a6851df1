"""How long a writer may take from its first chunk in the store to the document that names its owner.

The collector (`sharing/garbage.py`) removes owners that nothing names once all their objects are older than the grace.
A writer publishes within half of that, and looks at its time inside the function that it gives to `Document.change`,
before each swap: the collector swaps the same document before it removes anything, so a writer that froze between
its look and its swap is refused, and looks again.
"""

import time

from core.errors import StoreBusy

SHARE = 0.5  # of the grace; the rest is for clocks that run differently, and for a collection under way


class PublishedTooLate(StoreBusy):
    """The chunks may be garbage by now: put them again under a new owner."""


class PublishWindow:
    """The time that one writer has. Make it before the first put of an owner."""

    def __init__(self, grace_s: float) -> None:
        """`grace_s` is `settings.store_grace_s`."""
        self._until_s = _now_s() + SHARE * grace_s

    def require_open(self) -> None:
        """Raise PublishedTooLate once the time is over."""
        if _now_s() > self._until_s:
            raise PublishedTooLate("the store or this process was slower than DIGITFORGE_STORE_GRACE_S allows")


def _now_s() -> float:
    """Seconds that also pass while the machine sleeps; no change of its clock shows in them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
