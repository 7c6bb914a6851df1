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

from core.crash import crash_point

TEMPORARY_PREFIX = ".tmp-"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_SYNC_OF_FOLDERS = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}  # of network and desktop shares that sync files alone


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_file(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one atomic step, on disk when this returns."""
    temporary = _temporary_beside(path)
    try:
        temporary.write_bytes(data)
        sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


@contextmanager
def new_folder(path: Path, label: str) -> Iterator[Path]:
    """Give a temporary folder to fill; when the block ends well it becomes `path`, whole and on disk.

    `label` is the kind of folder in the names of crash points. Raises FileExistsError when `path` was made by someone
    else meanwhile. A block that raises leaves nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_beside(path)
    temporary.mkdir()
    try:
        yield temporary
        crash_point(f"{label}:before-fsync")
        for file in temporary.iterdir():
            sync(file)
        sync(temporary)
        crash_point(f"{label}:before-rename")
        if path.exists():  # a rename would take the place of an empty folder
            raise FileExistsError(f"{path} exists already")
        try:
            temporary.rename(path)
        except OSError as error:  # a rename onto a folder that holds files: ENOTEMPTY, on some systems EEXIST
            if path.exists():
                raise FileExistsError(f"{path} exists already") from error
            raise
        crash_point(f"{label}:after-rename")
        sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replace_by(path: Path, source: Path) -> None:
    """Replace `path` by the file that `source` is, or a copy of it, in one atomic step, on disk when this returns."""
    temporary = _temporary_beside(path)
    try:
        link_or_copy(source, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` the file that `source` is, or a copy of it, on disk, where the file system has no hard links.

    `target` must not exist. Raises OSError, such as FileNotFoundError when `source` has vanished.
    """
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # each file system has an error of its own for it
        shutil.copyfile(source, target)
        sync(target)


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on disk when this returns; a folder only where its file system can."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (path.is_dir() and error.errno in NO_SYNC_OF_FOLDERS):
            raise
    finally:
        os.close(descriptor)


def remove_folder(path: Path, label: str) -> None:
    """Remove a folder, where there is one, so that a reader never meets a half of it. `label` as for `new_folder`."""
    temporary = _temporary_beside(path)
    try:
        path.rename(temporary)
    except FileNotFoundError:
        return
    crash_point(f"{label}:half-removed")
    shutil.rmtree(temporary)


def remove_temporaries(root: Path, older_than_s: float = 0.0) -> None:
    """Remove what killed processes have left half written below `root`, where nothing in it was changed for so long.

    Nobody may be writing there that is younger.
    """
    for path in root.rglob(f"{TEMPORARY_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - _changed_at(path) < older_than_s:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _changed_at(path: Path) -> float:
    """When a file, or any file in a folder, was last written: a folder's own time says when it got its last file."""
    return max(one.stat().st_mtime for one in (path, *path.rglob("*")))


def is_disk_full(error: OSError) -> bool:
    """Whether there was no room to write: on the disk, within the user's quota, or below the largest file allowed."""
    return error.errno in FULL


def _temporary_beside(path: Path) -> Path:
    return path.parent / f"{TEMPORARY_PREFIX}{uuid4().hex}"


def remove_tree(folder: Path) -> bool:
    """Remove a folder with all that is in it; whether nothing is left of it. What cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
