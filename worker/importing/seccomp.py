"""System calls that an importer has no use for, refused by the kernel from now on (seccomp(2), Linux only).

A filter in the kernel's own bytecode looks at the number of each call. What is refused fails with EPERM: sockets, other
processes, kernel modules, mounts. Threads and processes that exist already keep running.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2  # prctl(2)

# Architecture as the kernel says it, and the number of each call there.
_X86_64 = (
    0xC000003E,
    {
        "sockets": (41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 53, 288, 299, 307),
        "new processes": (56, 57, 58, 59, 322, 435),
        "other processes": (62, 101, 200, 234, 302, 310, 311, 312, 424, 438),
        "the machine": (135, 155, 161, 165, 166, 167, 169, 175, 176, 246, 272, 308, 313, 320),
        "keys, handles, the kernel's insides": (248, 249, 250, 298, 303, 304, 321, 323, 425, 426, 427),
    },
)
_AARCH64 = (
    0xC00000B7,
    {
        "sockets": (198, 199, 200, 201, 202, 203, 206, 207, 210, 211, 212, 242, 243, 269),
        "new processes": (220, 221, 281, 435),
        "other processes": (117, 129, 130, 131, 261, 270, 271, 272, 424, 438),
        "the machine": (39, 40, 41, 51, 92, 97, 104, 105, 106, 142, 224, 268, 273, 294),
        "keys, handles, the kernel's insides": (217, 218, 219, 241, 264, 265, 280, 282, 425, 426, 427),
    },
)
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64, "arm64": _AARCH64}
_X32 = 0x40000000  # calls of a second kind on x86-64, by other numbers

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in struct seccomp_data
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_calls() -> None:
    """Refuse them from now on, in this process. Raises OSError where the system cannot."""
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        raise OSError(errno.ENOSYS, "no filter of system calls is known for this system")
    code = _bytecode(*machine)
    program = _Program(len(code) // 8, code)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    for option, mode, argument in (
        (PR_SET_NO_NEW_PRIVS, 1, None),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program)),
    ):
        if prctl(option, mode, argument, 0, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _bytecode(architecture: int, calls: dict[str, tuple[int, ...]]) -> bytes:
    """Instructions of 8 bytes: code, how many to skip if true, if false, and a number."""
    refused = [number for numbers in calls.values() for number in numbers]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, len(refused) + 1, 0, _X32),
        *((_IF_EQUAL, len(refused) - at, 0, number) for at, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)
