"""An importer locked in before it opens what came from outside: limits, no network, no other programs, one folder.

A decoder that is tricked into running an attacker's code finds itself in a process that can read what it was given and
the programs of this machine, and fill one folder, for some minutes.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from core.crash import VARIABLE as CRASH_FILE
from worker.importing.landlock import restrict_files
from worker.importing.seccomp import refuse_calls

GIB = 2**30
MEMORY_BYTES = 3 * GIB  # of address space, the interpreter and NumPy with its buffers among it
FILE_BYTES = 4 * GIB
CPU_S = 1800
KILLED_AFTER_S = 60  # more, when what ends it politely did not
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")  # some are loaded once they are needed
OPEN_FILES = 2048  # a source of arrays may have a file for each class


class OutOfTime(BaseException):
    """All processor time that an import may take is used up. No decoder catches it."""


def confine(source: Path, folder: Path, log: Callable[[str], object]) -> None:
    """Lock this process in; it can never be undone. `source` is what it may read, `folder` where it may write.

    To be called by its only thread, with what it needs imported. What the system cannot do is told to `log`. From then
    on OutOfTime is raised in the main thread after `CPU_S`.
    """
    limits = {
        resource.RLIMIT_AS: (MEMORY_BYTES, MEMORY_BYTES),
        resource.RLIMIT_FSIZE: (FILE_BYTES, FILE_BYTES),
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (CPU_S, CPU_S + KILLED_AFTER_S),
    }
    signal.signal(signal.SIGXCPU, _out_of_time)
    for limit, (soft, hard) in limits.items():
        _, most = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(limit, (soft, hard))
    if (threads := _threads()) > 1:
        log(f"{threads - 1} other threads run already, and are not locked in")
    python = [path for path in (*sys.path, sys.prefix, sys.base_prefix) if path]
    try:
        restrict_files([folder, *_of_tests()], [source, *map(Path, (*python, *LIBRARIES))])
    except OSError as error:
        log(f"the kernel cannot keep this process to its files (Landlock): {error}")
    try:
        refuse_calls()
    except OSError as error:
        log(f"the kernel cannot refuse this process system calls (seccomp): {error}")


def _of_tests() -> list[Path]:
    """The folder of the file that tells a process where to crash, in the tests of reliability."""
    crash_file = os.environ.get(CRASH_FILE)
    return [Path(crash_file).parent] if crash_file else []


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208  a count
    except OSError:
        return 1


def _out_of_time(*_: object) -> None:
    raise OutOfTime
