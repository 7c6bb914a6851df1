"""Crashes on request: what the tests of reliability kill a process with, at the moments that matter.

A point is a name in the code. `DIGITFORGE_CRASH_AT=<name>@<marker path>` in the environment kills the first process
that comes by; the marker file is made just before, and while it is there nobody else is killed. Without the variable
a point does nothing.
"""

import os
import signal
from pathlib import Path

VARIABLE = "DIGITFORGE_CRASH_AT"


def crash_point(name: str) -> None:
    """End this process as a power cut would, by SIGKILL, where the environment asks for it by this name."""
    wanted, _, marker = os.environ.get(VARIABLE, "").partition("@")
    if wanted != name:
        return
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:  # somebody has crashed here already
        return
    os.kill(os.getpid(), signal.SIGKILL)
