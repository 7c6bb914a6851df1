"""Crashing on purpose at a named point, for the tests of reliability."""

import os
import signal
from pathlib import Path

VARIABLE = "DIGITFORGE_CRASH_AT"


def crash_point(name: str) -> None:
    """Kill this process where `DIGITFORGE_CRASH_AT` is `<name>@<marker>` and there is no file `<marker>` yet.

    The file is made first, so it happens once, however often processes are started again.
    """
    at, _, marker = os.environ.get(VARIABLE, "").partition("@")
    if at == name and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
