"""Saving where the disk may be full: a run waits for space instead of failing, and goes on to the same bytes."""

import time
from collections.abc import Callable
from typing import ParamSpec

from core.files import is_disk_full
from worker.training.events import Event, Warned

POLL_S = 1.0
WARN_EVERY_S = 10.0  # whoever watches a run that waits sees that it lives

P = ParamSpec("P")


class StoppedWhileFull(Exception):
    """The run was asked to stop while it waited for space. What it wanted to save is lost."""


class Saver:
    """Saves for one run."""

    def __init__(self, report: Callable[[Event], None], should_stop: Callable[[], bool]) -> None:
        self._report, self._should_stop = report, should_stop

    def save(self, name: str, step: int, write: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `write` until there is space for all of it; warn, by this name, while there is not.

        `write` must leave nothing behind where it fails. Raises StoppedWhileFull when the run is asked to stop before.
        """
        warn_at = time.monotonic()
        while True:
            try:
                write(*args, **kwargs)
                return
            except OSError as error:
                if not is_disk_full(error):
                    raise
                if time.monotonic() >= warn_at:
                    self._report(_warning(name, step, error))
                    warn_at = time.monotonic() + WARN_EVERY_S
                if self._should_stop():
                    raise StoppedWhileFull from error
            time.sleep(POLL_S)


def _warning(name: str, step: int, error: OSError) -> Warned:
    return Warned(
        kind="disk-full",
        step=step,
        detail=f"{name} could not be written: {error.strerror}; the run waits",
        hint="free space in the data directory; the run goes on by itself",
    )
