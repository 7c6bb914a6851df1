"""`python tests/refuse_links.py <command>`: run a command to which the kernel refuses hard links, as exFAT does.

A filter for system calls (seccomp) does it, for the command and all that it starts. It needs neither a compiler nor
rights. `Operation not permitted` is what Linux answers where a file system has no hard links.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Sequence

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38  # prctl(2)
SECCOMP_MODE_FILTER = 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # of classic BPF
CALLS = {"x86_64": (86, 265), "aarch64": (37,)}  # link, linkat


def without_links(command: Sequence[str]) -> list[str]:
    """The command that runs another one without hard links."""
    return [sys.executable, __file__, *command]


def _refuse() -> None:
    calls = CALLS[platform.machine()]
    steps = [(LOAD_NUMBER, 0, 0)]
    steps += [(JUMP_IF_EQUAL, len(calls) - place, number) for place, number in enumerate(calls)]
    steps += [(RETURN, 0, ALLOW), (RETURN, 0, REFUSE)]
    code = b"".join(struct.pack("HBBI", operation, jump, 0, value) for operation, jump, value in steps)
    held = ctypes.create_string_buffer(code)
    program = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(held)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    for option, argument, pointer in (
        (PR_SET_NO_NEW_PRIVS, 1, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program)),
    ):
        if prctl(option, argument, pointer, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    _refuse()
    os.execvp(sys.argv[1], sys.argv[1:])
