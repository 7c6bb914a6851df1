"""One folder to write in and a few to read from, held by the kernel from now on (landlock(7), Linux 5.13 and newer)."""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, the same on every machine
_VERSION, _PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 1, 1 << 2, 1 << 3
_CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))  # remove and make files, folders, links and devices
_MOVE_ACROSS, _TRUNCATE = 1 << 13, 1 << 14  # since versions 2 and 3
PR_SET_NO_NEW_PRIVS = 38


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def restrict_files(write: Iterable[Path], read: Iterable[Path]) -> None:
    """Refuse this thread all files and folders but those in `write`, and to read but those that are or lie in `read`.

    What is open already stays so. Paths that do not exist are left out. Raises OSError where the system cannot.
    """
    if sys.platform != "linux":
        raise OSError("not Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    version = _call(libc, _CREATE_RULESET, None, 0, _VERSION)
    everything = _READ_FILE | _READ_FOLDER | _WRITE_FILE | _CHANGE_FOLDERS
    if version >= 2:
        everything |= _MOVE_ACROSS
    if version >= 3:
        everything |= _TRUNCATE
    ruleset = _Ruleset(everything)
    rules = _call(libc, _CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    try:
        for folder in write:
            _allow(libc, rules, folder, everything)
        for path in read:
            if path.exists():
                _allow(libc, rules, path, _READ_FILE | (_READ_FOLDER if stat.S_ISDIR(path.stat().st_mode) else 0))
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise _error()
        _call(libc, _RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: Path, access: int) -> None:
    beneath = os.open(path, os.O_PATH)
    try:
        allowed = _PathBeneath(access, beneath)
        _call(libc, _ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(allowed), 0)
    finally:
        os.close(beneath)


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise _error()
    return result


def _error() -> OSError:
    return OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
