"""Work of the worker's main process that uses the store is done in a process of its own.

The main process forks a pool child whenever one has died, and threads of the store's client do not survive a fork: a
child of a process that has used the store could not use it.
"""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.synchronize import Event
from pathlib import Path

from core.child import die_with_parent

RESTART_S = 1.0
LOOK_S = 0.1
NAME = "sweeper"
OF_CELERY = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1)

logger = logging.getLogger(__name__)


class Looked:
    """An event of the main process, waited for by looking: a process killed in `Event.wait` holds up who sets it."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Whether it is set, after `timeout_s` seconds at most."""
        deadline = time.monotonic() + timeout_s
        while not self.is_set() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(LOOK_S, left))
        return self.is_set()


def keep_apart(work: Callable[[], None], stop: Event) -> None:
    """Do it in a forked process, again where that dies, until `stop` is set; `work` sees that by `Looked(stop)`.

    To be called by a thread that lives as long as the process.
    """
    forking = multiprocessing.get_context("fork")
    while not stop.is_set():
        process = forking.Process(target=_begin, args=(work, os.getpid()), daemon=True)
        try:
            process.start()
        except OSError as error:  # without memory, or with too many processes
            logger.error("a process cannot be started, which is tried again: %s", error)
            stop.wait(RESTART_S)
            continue
        process.join()
        if not stop.wait(RESTART_S):
            logger.error("a process ended with status %s, and is started again", process.exitcode)


def _begin(work: Callable[[], None], parent: int) -> None:
    with suppress(OSError):
        Path("/proc/self/comm").write_text(NAME)  # for ps: its command line is the main process's
    for number in OF_CELERY:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the worker decides
    if die_with_parent(parent):
        work()
