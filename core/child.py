"""Child processes that do not outlive their parent, and how to stop one politely."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)

_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def die_with_parent(parent: int) -> bool:
    """Have the kernel kill this process when its parent ends; False when `parent` is gone already.

    More exactly: when the thread ends that started this process. Linux only; elsewhere it does nothing.
    """
    if _prctl is None:
        return True
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def start_child(
    command: Sequence[str],
    output: IO[bytes],
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a command that ends with this process, in a session of its own: a Ctrl-C reaches it only by way of us.

    To be called by a thread that lives as long as the process.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if not die_with_parent(parent):
            os._exit(1)

    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        pass_fds=pass_fds,
        preexec_fn=before_exec,
    )


def stop_child(process: "subprocess.Popen[bytes]", grace_s: float) -> None:
    """Ask a process to end, and kill it when it has not within the grace period. It is gone when this returns."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
