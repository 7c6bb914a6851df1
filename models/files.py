"""Writing files so that a reader, or a crash, never meets a half of one."""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

TEMPORARY_PREFIX = ".tmp-"
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_file(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one atomic step, on disk when this returns."""
    temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid4().hex}"
    try:
        temporary.write_bytes(data)
        _fsync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _fsync(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; when the block ends well it becomes `path`, whole and on disk.

    Raises FileExistsError when `path` was made by someone else meanwhile. A block that raises leaves nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid4().hex}"
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            _fsync(file)
        _fsync(temporary)
        if path.exists():  # a rename would take the place of an empty folder
            raise FileExistsError(f"{path} exists already")
        try:
            temporary.rename(path)
        except OSError as error:  # a rename onto a folder that holds files: ENOTEMPTY, on some systems EEXIST
            if path.exists():
                raise FileExistsError(f"{path} exists already") from error
            raise
        _fsync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_full(error: OSError) -> bool:
    """Whether a write failed for want of room."""
    return error.errno in NO_ROOM


def remove_temporaries(root: Path, older_than_s: float = 0.0) -> None:
    """Remove what a killed process has left half written below `root`, where it was last changed so long ago."""
    for path in root.rglob(f"{TEMPORARY_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime < older_than_s:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
