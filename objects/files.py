"""An object store on a disk: a folder that one machine uses, or several over NFS."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from core.errors import ObjectNotFound, ShelfBusy, StoreAway, StoreBusy, StoreRefused
from core.files import TEMPORARY_PREFIX, sync
from core.locks import locked
from objects.store import PART, Listed, ObjectStore, Refused, Stored, check_key

LOCK = ".lock"
ABANDONED_S = 86_400.0  # a file half written that is older was left by a writer that was killed
NO_SUCH = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}
TRIES = 20  # of a put whose folder is removed, because it was empty, before the file is in it


class FileStore(ObjectStore):
    """The objects are files below a root. A tag is the digest of the bytes, so equal bytes have equal tags.

    Replacing and removing are serial by a lock in the root, which an NFS server has to support.
    """

    def __init__(self, root: Path) -> None:
        """The first put makes the root where it is missing."""
        self._root = root

    def get(self, key: str) -> Stored:
        """An object. Raises ObjectNotFound."""
        with self._explained():
            try:
                data = self._path(key).read_bytes()
            except NO_SUCH as error:
                raise ObjectNotFound(key) from error
        return Stored(data, sha256(data).hexdigest())

    def get_unless(self, key: str, tag: str | None) -> Stored | None:
        """An object, or None where it still has this tag. Raises ObjectNotFound."""
        stored = self.get(key)
        return None if stored.tag == tag else stored

    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin with a prefix that is empty or ends with a slash. One folder is in memory.

        What no key can name, such as `lost+found` where a disk is mounted, is none of ours.
        """
        folder = self._root / check_key(prefix.rstrip("/")) if prefix else self._root
        with self._explained(), suppress(*NO_SUCH):
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            for entry in entries:
                if not PART.fullmatch(entry.name):
                    continue
                if entry.is_dir():
                    yield from self.list(f"{prefix}{entry.name}/")
                elif entry.name.startswith(TEMPORARY_PREFIX):
                    self._remove_abandoned(Path(entry.path))
                elif entry.name != LOCK:
                    with suppress(FileNotFoundError):
                        stat = entry.stat()
                        yield Listed(f"{prefix}{entry.name}", stat.st_size, stat.st_mtime)

    def delete(self, key: str) -> None:
        """Remove an object, where there is one, and the folders that are empty without it."""
        path = self._path(key)
        with self._explained(), suppress(*NO_SUCH):
            with self._lock():
                path.unlink()
            for folder in path.parents:
                if folder == self._root or any(folder.iterdir()):
                    break
                with suppress(OSError):  # filled meanwhile
                    folder.rmdir()

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        with self._explained():
            temporary = self._write_beside(self._path(key), data)
            try:
                if tag is None:
                    self._create(temporary, key)
                else:
                    self._replace(temporary, key, tag)
            finally:
                temporary.unlink(missing_ok=True)
            sync(self._path(key).parent)

    def _create(self, temporary: Path, key: str) -> None:
        """The kernel gives a file a second name once, whoever else asks. Without hard links the lock sees to it."""
        path = self._path(key)
        try:
            path.hardlink_to(temporary)
        except FileExistsError as error:
            raise Refused from error
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            with self._lock():
                if path.exists():
                    raise Refused from error
                temporary.replace(path)

    def _replace(self, temporary: Path, key: str, tag: str) -> None:
        with self._lock():
            now = self._now(key)
            if now is None or now.tag != tag:
                raise Refused
            temporary.replace(self._path(key))

    def _write_beside(self, path: Path, data: bytes) -> Path:
        """A temporary file with these bytes, on disk."""
        temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid4().hex}"
        for number in range(TRIES):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with temporary.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                return temporary
            except (FileNotFoundError, FileExistsError):
                if number == TRIES - 1:
                    raise
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
        raise AssertionError

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            with locked(self._root / LOCK, "the store"):
                yield
        except ShelfBusy as error:
            raise StoreBusy(f"{self._root}: {error}") from error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the disk says into our own errors. A full one is away: it may have room again."""
        try:
            yield
        except OSError as error:
            kind = StoreRefused if error.errno in NO_RIGHT else StoreAway
            raise kind(f"{error.filename or self._root}: {error.strerror or error}") from error

    @staticmethod
    def _remove_abandoned(path: Path) -> None:
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ABANDONED_S:
                path.unlink()
