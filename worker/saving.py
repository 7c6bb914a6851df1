"""Saving a run for other machines while it goes on: after an epoch, in a thread beside the supervisor.

One save at a time; epochs that end meanwhile are in the next one. While the store is away the run trains on, and what
is newest is tried again.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self

from core.errors import StoreError
from core.ticking import no_tick
from core.vocabulary import Answer
from sharing.run_copy import RunCopy
from worker.monitor import RunMonitor

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0  # after a try that failed

logger = logging.getLogger(__name__)


class RunSaver:
    """Saves one run: in a `with` block, for the thread of its supervisor. Without a copy it does nothing."""

    def __init__(self, copy: RunCopy | None, share: Callable[[], object] = no_tick) -> None:
        """`share` is called before each save, and may raise StoreError and OSError."""
        self._copy, self._share = copy, share
        self._changed = threading.Condition()
        self._is_wanted = self._is_saving = self._is_hurried = self._has_ended = False
        self._failures = 0  # all that there were
        self._pause_s, self._next_at = FIRST_PAUSE_S, 0.0
        self._fault: str | None = None  # that nobody has asked for
        self._untold: str | None = None
        self._to_clear: str | None = None

    def __enter__(self) -> Self:
        if self._copy is not None:
            context = copy_context()
            threading.Thread(target=context.run, args=[self._work, self._copy], name="saving", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """What is under way ends by itself: whatever it writes is of this attempt, and nobody looks at it."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    @property
    def untold(self) -> str | None:
        """The key of the newest list, until the job's record names it."""
        with self._changed:
            return self._untold

    def told(self, key: str) -> None:
        """The record names this list now: what only older ones name may go."""
        with self._changed:
            if self._untold == key:
                self._untold = None
            self._to_clear = key
            self._changed.notify_all()

    def want(self) -> None:
        """There is something new to save."""
        with self._changed:
            self._is_wanted = self._copy is not None
            self._changed.notify_all()

    def fault(self) -> str | None:
        """Why the last save failed, said once."""
        with self._changed:
            fault, self._fault = self._fault, None
            return fault

    def finish(self, monitor: RunMonitor[Any], within_s: float, every_s: float) -> bool:
        """Save the run as it is now, in one try, and beat; whether that was done, and the record names it.

        It was not where the store is away or slow, where Redis is away, or where the job is somebody else's.
        """
        if self._copy is None:
            return True
        until = time.monotonic() + within_s
        with self._changed:
            self._is_wanted = self._is_hurried = True
            failures = self._failures
            self._changed.notify_all()
        while time.monotonic() < until and monitor.request is not Answer.LOST:
            with self._changed:
                if self._failures > failures:
                    return False
                is_saved = not (self._is_wanted or self._is_saving)
                if is_saved and self._untold is None:
                    return True
                if not is_saved:
                    self._changed.wait(every_s)
            monitor.tick()
            if self.untold is not None:
                monitor.beat()
                if self.untold is not None:  # Redis is away, or the next save is done already
                    time.sleep(every_s)
        return False

    def _work(self, copy: RunCopy) -> None:
        while self._has_work():
            with self._changed:
                to_clear, self._to_clear = self._to_clear, None
                self._is_saving = self._is_due()
                self._is_wanted &= not self._is_saving
            if to_clear is not None:
                self._clear(copy, to_clear)
            if self._is_saving:
                self._save(copy)

    def _has_work(self) -> bool:
        with self._changed:
            while self._to_clear is None and not self._is_due():
                if self._has_ended:
                    return False
                self._changed.wait(max(0.0, self._next_at - time.monotonic()) if self._is_wanted else None)
            return True

    def _is_due(self) -> bool:
        return self._is_wanted and not self._has_ended and (self._is_hurried or time.monotonic() >= self._next_at)

    def _clear(self, copy: RunCopy, named: str) -> None:
        try:
            copy.clear(named)
        except StoreError as error:
            logger.warning("what is saved no more of a run is removed later: %s", error)
        except Exception:
            logger.exception("what is saved no more of a run is removed later")

    def _save(self, copy: RunCopy) -> None:
        key, fault = None, None
        try:
            self._share()
            key = copy.save()
        except (StoreError, OSError) as error:
            fault = f"{type(error).__name__}: {error}"
        except Exception as error:  # without this thread the job would wait for its end for ever
            logger.exception("a run is saved later")
            fault = f"{type(error).__name__}: {error}"
        with self._changed:
            self._is_saving = self._is_hurried = False
            if fault is None:
                self._untold, self._pause_s, self._next_at = key, FIRST_PAUSE_S, 0.0
            else:
                self._failures, self._fault, self._is_wanted = self._failures + 1, fault, True
                self._next_at = time.monotonic() + self._pause_s
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._changed.notify_all()
