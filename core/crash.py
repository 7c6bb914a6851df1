"""Crashing on purpose at a named point, for the tests of reliability."""

import os
import signal
from pathlib import Path

VARIABLE = "DIGITFORGE_CRASH_FILE"


def crash_point(name: str) -> None:
    """Kill this process where `DIGITFORGE_CRASH_FILE` names a file that holds `name`.

    The file is removed first, so it happens once, however often processes are started again.
    """
    if VARIABLE not in os.environ:
        return
    file = Path(os.environ[VARIABLE])
    if file.exists() and file.read_text(encoding="utf-8").strip() == name:
        file.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
