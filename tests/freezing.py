"""Processes that stand still. A signal is taken by one thread after another, so a busy process goes on for a while."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def freeze(pid: int) -> None:
    """Stop a process; all of its threads stand still when this returns."""
    os.kill(pid, signal.SIGSTOP)
    while not all(_stands_still(task) for task in Path(f"/proc/{pid}/task").iterdir()):
        time.sleep(0.001)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Have a process stand still while the block runs."""
    freeze(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stands_still(task: Path) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return (task / "stat").read_text().rpartition(")")[2].split()[0] in "TtZX"
    return True
