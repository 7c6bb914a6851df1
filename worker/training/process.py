"""How a trainer process is tied to the one that started it."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, so that no trainer outlives its supervisor.

    Linux only; elsewhere it does nothing. Ends at once when `parent` is gone already.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(f"the parent process {parent} is gone")
