"""An object store on a disk: a folder that one machine uses, or several over NFS."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from core.errors import ObjectNotFound
from core.files import TEMPORARY_PREFIX, write_file
from core.locks import locked
from objects.store import Listed, ObjectStore, Refused, Stored


class FileStore(ObjectStore):
    """The objects are files below a root. A tag is the digest of the bytes, so equal bytes have equal tags."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, key: str) -> Stored:
        """An object. Raises ObjectNotFound."""
        try:
            data = (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectNotFound(key) from error
        return Stored(data, sha256(data).hexdigest())

    def get_unless(self, key: str, tag: str | None) -> Stored | None:
        """An object, or None where it still has this tag. Raises ObjectNotFound."""
        stored = self.get(key)
        return None if stored.tag == tag else stored

    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin with a prefix that is empty or ends with a slash, in the order of their keys."""
        found = []
        for folder, _, names in os.walk(self._root / prefix):
            for name in names:
                path = Path(folder, name)
                if name.startswith((TEMPORARY_PREFIX, ".lock")):
                    continue
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue
                found.append(Listed(path.relative_to(self._root).as_posix(), stat.st_size, stat.st_mtime))
        yield from sorted(found)

    def delete(self, key: str) -> None:
        """Remove an object, where there is one."""
        (self._root / key).unlink(missing_ok=True)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._root / ".lock", "the store"):
            now = self._now(key)
            if (now.tag if now else None) != tag:
                raise Refused
            write_file(path, data)
