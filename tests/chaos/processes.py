"""Processes that are held by a descriptor, so that a signal never reaches another one that got the same id."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


class Held:
    """A process that may end at any time."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def send(self, number: int) -> None:
        """Send a signal, to nobody when the process is gone."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


def hold(pid: int) -> Held | None:
    """Hold a process, if it is still there."""
    try:
        return Held(pid)
    except ProcessLookupError:
        return None


def command_of(pid: int) -> bytes:
    """A process' arguments, each with a zero byte behind it; empty for one that is gone."""
    return _read(pid, "cmdline")


def children_of(pid: int) -> list[int]:
    """The child processes of all threads of a process."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def processes_of(folder: Path) -> Iterator[tuple[int, str]]:
    """Process ids and commands of all processes that have `folder` in their arguments or environment, or work in it.

    Redis writes its title over the first two.
    """
    marker = str(folder).encode()
    for path in Path("/proc").glob("[0-9]*"):
        pid = int(path.name)
        traces = command_of(pid), _read(pid, "environ"), _working_directory(pid)
        if pid != os.getpid() and any(marker in trace for trace in traces):
            yield pid, command_of(pid).replace(b"\0", b" ").decode(errors="replace").strip()


def _working_directory(pid: int) -> bytes:
    try:
        return bytes(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return b""


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
