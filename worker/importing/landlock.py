"""Writing in one folder only, held by the kernel from now on (landlock(7), Linux 5.13 and newer)."""

import ctypes
import os
import sys
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, the same on every machine
_VERSION, _PATH_BENEATH = 1, 1
_WRITE_FILE = 1 << 1
_CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))  # remove and make files, folders, links and devices
_MOVE_ACROSS, _TRUNCATE = 1 << 13, 1 << 14  # since versions 2 and 3
PR_SET_NO_NEW_PRIVS = 38


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def write_only_in(folder: Path) -> None:
    """Refuse to change any file or folder that is not in `folder`. Raises OSError where the system cannot.

    Files that are open already stay so. Reading is not restricted.
    """
    if sys.platform != "linux":
        raise OSError("not Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    version = _call(libc, _CREATE_RULESET, None, 0, _VERSION)
    writing = _WRITE_FILE | _CHANGE_FOLDERS
    if version >= 2:
        writing |= _MOVE_ACROSS
    if version >= 3:
        writing |= _TRUNCATE
    ruleset = _Ruleset(writing)
    rules = _call(libc, _CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    beneath = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        allowed = _PathBeneath(writing, beneath)
        _call(libc, _ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(allowed), 0)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        _call(libc, _RESTRICT_SELF, rules, 0)
    finally:
        os.close(beneath)
        os.close(rules)


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
