"""Processes that do the same work side by side, forked from one that has everything loaded and shares its memory.

The parent does nothing but watch: it stops them when it is to stop itself, and puts a new process in the place of one
that ended. It must not have run what starts threads before, such as a torch operation, because a fork copies only the
thread that calls it.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType

from core.child import die_with_parent

POLL_S = 0.05
SHORT_LIFE_S = 1.0  # a process that ended sooner is not replaced before this
STOPPED_BY = (signal.SIGINT, signal.SIGTERM)

Work = Callable[[int], int]


def cores() -> int:
    """How many of the machine's cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Processes:
    """So many processes that each call `work(number)`, their numbers from 0, and exit with what it returns."""

    def __init__(self, count: int, work: Work, grace_s: float) -> None:
        """Each may take `grace_s` seconds to end once it was told to."""
        self._count, self._work, self._grace_s = count, work, grace_s
        self._numbers: dict[int, int] = {}  # of each living process, by its id
        self._began: dict[int, float] = {}  # when the newest process of each number was forked
        self._stopped = False

    def run(self) -> int:
        """Watch them until a signal ends this process, or one of them exits with a status of its own: the status."""
        for stopped_by in STOPPED_BY:
            signal.signal(stopped_by, self._stop)
        for number in range(self._count):
            self._fork(number)
        status = 0
        while not self._stopped and status == 0:
            for number, ended in self._reap():
                if ended > 0:  # it refuses to go on, and another one in its place would too
                    status = ended
                else:
                    self._fork(number)
            time.sleep(POLL_S)
        self._end()
        return status

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped = True

    def _fork(self, number: int) -> None:
        early = self._began.get(number, -SHORT_LIFE_S) + SHORT_LIFE_S - time.monotonic()
        if early > 0:
            time.sleep(early)
        self._began[number] = time.monotonic()
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPED_BY)  # none may reach the child before it can obey
        process = os.fork()
        if process:
            self._numbers[process] = number
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPED_BY)
            return
        for stopped_by in STOPPED_BY:
            signal.signal(stopped_by, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPED_BY)
        status = 1
        try:
            if die_with_parent(parent):
                status = self._work(number)
        except BaseException:
            traceback.print_exc()
        finally:  # without what the parent would do at its end
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> list[tuple[int, int]]:
        """Number and exit status of each process that has ended; the status is below 0 where a signal ended it."""
        found = []
        while self._numbers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                break
            found.append((self._numbers.pop(process), os.waitstatus_to_exitcode(status)))
        return found

    def _end(self) -> None:
        """Tell them to stop, and end those that do not.

        By SIGTERM whatever came: a Ctrl-C reaches them from the terminal too, and uvicorn takes a second one for
        impatience and drops the requests that it is still answering.
        """
        self._tell(signal.SIGTERM)
        deadline = time.monotonic() + self._grace_s
        while self._numbers and time.monotonic() < deadline:
            self._reap()
            time.sleep(POLL_S)
        self._tell(signal.SIGKILL)
        while self._numbers:
            self._reap()
            time.sleep(POLL_S)

    def _tell(self, number: int) -> None:
        for process in self._numbers:
            os.kill(process, number)
