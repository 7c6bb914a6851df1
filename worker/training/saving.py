"""Saving where the disk may be full: a run waits for space instead of failing, and goes on to the same bytes."""

import time
from collections.abc import Callable
from typing import ParamSpec

from core.disk_full import StoppedWhileFull as StoppedWhileFull
from core.disk_full import write_when_there_is_space
from core.vocabulary import WarningKind
from worker.training.events import Event, Warned

WARN_EVERY_S = 10.0  # whoever watches a run that waits sees that it lives

P = ParamSpec("P")


class Saver:
    """Saves for one run."""

    def __init__(self, report: Callable[[Event], None], should_stop: Callable[[], bool]) -> None:
        self._report, self._should_stop = report, should_stop

    def save(self, name: str, step: int, write: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `write` until there is space for all of it; warn, by this name, while there is not.

        `write` must leave nothing behind where it fails. Raises StoppedWhileFull when the run is asked to stop before.
        """
        warn_at = time.monotonic()

        def warn(error: OSError) -> None:
            nonlocal warn_at
            if time.monotonic() >= warn_at:
                self._report(_warning(name, step, error))
                warn_at = time.monotonic() + WARN_EVERY_S

        write_when_there_is_space(lambda: write(*args, **kwargs), warn, self._should_stop)


def _warning(name: str, step: int, error: OSError) -> Warned:
    return Warned(
        kind=WarningKind.DISK_FULL,
        step=step,
        detail=f"{name} could not be written: {error.strerror}; the run waits",
        hint="free space in the data directory; the run goes on by itself",
    )
