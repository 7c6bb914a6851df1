"""Following the store: a machine's copies are brought to what the store says each second, by one of its processes.

Every process that may do it has a follower. Whoever finds that nobody has looked for a second looks; so another goes on
where one ends or is frozen, and a machine asks the store about once a second, however many processes it has.
"""

import fcntl
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import ShelfBusy, StoreError

LOOK_S = 1.0
CHECK_S = 0.25  # how often a process looks whether another has looked
FROZEN_S = 30.0  # who looks for longer is waited for no more; two at once do no harm

logger = logging.getLogger(__name__)


class Follower:
    """Calls each of `catch_up` about once a second, unless another process with the same folder does.

    They raise StoreError, ShelfBusy or OSError where they cannot, and leave the copies sound; the last state stays.
    """

    def __init__(self, folder: Path, catch_up: Sequence[Callable[[], None]]) -> None:
        self._folder, self._looked, self._seen = folder, folder / "looked", folder / "seen"
        self._catch_up = catch_up
        self._stopped, self._is_away = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Follow, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no more; a look that is under way ends by itself."""
        self._stopped.set()

    def look(self) -> bool:
        """Catch up now; whether all of it was done. One fault holds nothing else up."""
        if not self._does(self._begin):
            return False
        done = [self._does(catch_up) for catch_up in self._catch_up]
        if not all(done) or not self._does(lambda: _touch(self._seen)):
            return False
        if self._is_away:
            logger.info("the store is followed again")
        self._is_away = False
        return True

    def seen_ago_s(self) -> float | None:
        """Seconds since this machine's copies were what the store said; None where they never were."""
        return _age_s(self._seen)

    def seen_at(self) -> float:
        """When they were so last, in seconds since 1970; 0 where they never were."""
        return self._seen.stat().st_mtime if self._seen.exists() else 0.0

    def _begin(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)  # somebody may have removed it, with the copies
        _touch(self._looked)

    def _does(self, step: Callable[[], None]) -> bool:
        """Whether a step of a look succeeded. What goes wrong is logged."""
        try:
            step()
        except (StoreError, ShelfBusy, OSError) as error:
            self._complain(error)
            return False
        except Exception:
            logger.exception("the store cannot be followed")
            return False
        return True

    def _complain(self, error: Exception) -> None:
        if not self._is_away:
            logger.warning("the store cannot be followed; what is here stays as it is: %s", error)
        self._is_away = True

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._look_if_nobody_does()
            except OSError as error:
                self._complain(error)
            self._stopped.wait(CHECK_S * random.uniform(0.8, 1.2))

    def _look_if_nobody_does(self) -> None:
        age_s = _age_s(self._looked)
        if age_s is not None and age_s < LOOK_S:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with _alone(self._looked) as alone:
            if alone or age_s is None or age_s > FROZEN_S:
                self.look()


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether no other process is in such a block."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # closing the file would leave it to a process forked meanwhile


def _touch(path: Path) -> None:
    path.touch()  # which brings its time to now where it is there


def _age_s(path: Path) -> float | None:
    """Since a file was touched; None where it never was, or was by a clock that went ahead of ours."""
    try:
        age_s = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None
    return age_s if age_s >= 0 else None
