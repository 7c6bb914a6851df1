"""System calls that an importer has no use for, refused by the kernel from now on (seccomp(2), Linux only).

A filter in the kernel's own bytecode looks at the number of each call. What is refused fails with EPERM. Calls that a
newer kernel may add are not known here, and allowed.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

from worker.importing.system_calls import CALLS, SIGNALS

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2  # prctl(2)

_MACHINES = {"x86_64": 0, "aarch64": 1, "arm64": 1}  # the column of its numbers in CALLS
ARCHITECTURES = (0xC000003E, 0xC00000B7)  # as the kernel says them
_X32 = 0x40000000  # calls of a second kind on x86-64, by other numbers

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # in struct seccomp_data
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_calls() -> None:
    """Refuse this thread all `CALLS`, from now on. Raises OSError where the system cannot."""
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        raise OSError(errno.ENOSYS, "no filter of system calls is known for this system")
    code = bytecode(machine, os.getpid())
    program = _Program(len(code) // 8, code)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    for option, mode, argument in (
        (PR_SET_NO_NEW_PRIVS, 1, None),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program)),
    ):
        if prctl(option, mode, argument, 0, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def bytecode(machine: int, pid: int) -> bytes:
    """The filter for a column of `CALLS`: instructions of code, how many to skip if true, if false, and a number.

    Process `pid` may send itself signals, as abort(3) does.
    """
    refused = [numbers[machine] for numbers in CALLS.values() if numbers[machine] is not None]
    signals = [SIGNALS[name][machine] for name in SIGNALS]
    end = [
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_IF_EQUAL, 0, 1, pid),
        (_RETURN, 0, 0, ALLOW),
        (_RETURN, 0, 0, REFUSE),
    ]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, len(refused) + len(signals) + len(end), 0, _X32),
        *((_IF_EQUAL, len(refused) - at + len(signals) + len(end) - 1, 0, number) for at, number in enumerate(refused)),
        *((_IF_EQUAL, len(signals) - at, 0, number) for at, number in enumerate(signals)),
        (_RETURN, 0, 0, ALLOW),
        *end,
    ]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)
