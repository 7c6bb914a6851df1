"""Writing where the disk may be full: wait for space instead of failing."""

import time
from collections.abc import Callable
from typing import TypeVar

from core.files import is_disk_full

POLL_S = 1.0

T = TypeVar("T")


class StoppedWhileFull(Exception):
    """It was asked to stop while it waited for space. What was to be written is lost."""


def write_when_there_is_space(
    write: Callable[[], T], on_full: Callable[[OSError], object], should_stop: Callable[[], bool]
) -> T:
    """Call `write` once a second until there is space for all of it. It must leave nothing behind where it fails.

    `on_full` is told each time that there is none. Raises StoppedWhileFull when `should_stop()` turns true meanwhile.
    """
    while True:
        try:
            return write()
        except OSError as error:
            if not is_disk_full(error):
                raise
            on_full(error)
            if should_stop():
                raise StoppedWhileFull from error
        time.sleep(POLL_S)
