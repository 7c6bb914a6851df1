"""A lock among processes, which the kernel drops with the process that holds it."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ShelfBusy

LOCK_S, LOCK_POLL_S = 5.0, 0.01  # what is done behind it takes milliseconds


@contextmanager
def locked(path: Path, what: str, *, shared: bool = False, wait_s: float | None = None) -> Iterator[None]:
    """Hold the lock of a file, `shared` with others who do, or alone.

    Raises ShelfBusy when others hold it for `wait_s` seconds, or `LOCK_S`; `what` they change is in its text.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    deadline = time.monotonic() + (LOCK_S if wait_s is None else wait_s)
    with path.open("w+") as file:  # NFS wants to read for a shared lock
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise ShelfBusy(f"another process has been changing {what} for seconds") from error
            time.sleep(LOCK_POLL_S)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # closing the file would leave it to a process forked meanwhile
