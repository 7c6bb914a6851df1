"""Folders in an object store: their files in chunks that are named by their content, and a list of them, put last.

    <owner>/<sha256>    a chunk: at most CHUNK bytes of a file

An owner, such as `runs/<job>/a003`, is written by one process at a time and removed as a whole, so that no chunk can
be wanted by somebody while it is removed as nobody's. A tree may name chunks of several owners.
"""

import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic import BaseModel, ConfigDict

from core.errors import DocumentDamaged
from core.files import TEMPORARY_PREFIX, new_folder, sync
from objects.store import ObjectStore

CHUNK = 8 << 20  # bytes: what an upload holds in memory, and sends again where it breaks


class StoredFile(BaseModel):
    """A file: its size, the digest of all of it, and the keys of its chunks in order."""

    model_config = ConfigDict(frozen=True)

    bytes: int
    sha256: str
    chunks: tuple[str, ...]


class Tree(BaseModel):
    """The files of a folder by their paths in it, with slashes."""

    model_config = ConfigDict(frozen=True)

    files: Mapping[str, StoredFile] = {}

    def chunks(self) -> set[str]:
        """The keys of all chunks."""
        return {chunk for file in self.files.values() for chunk in file.chunks}


class Seen(NamedTuple):
    """What a file looked like when it was put: one that looks the same still is not read again."""

    inode: int
    bytes: int
    changed_ns: int
    stored: StoredFile


def put_file(store: ObjectStore, owner: str, path: Path) -> StoredFile:
    """Put a file's chunks; those that are there already are not sent again. Raises OSError and StoreAway."""
    with path.open("rb") as file:
        return put_opened(store, owner, file)


def put_opened(store: ObjectStore, owner: str, file: BinaryIO) -> StoredFile:
    """The same of a file that is open at its beginning, and that may have lost its name since."""
    whole, chunks, size = sha256(), list[str](), 0
    while data := file.read(CHUNK):
        key = f"{owner}/{sha256(data).hexdigest()}"
        store.put_once(key, data)
        whole.update(data)
        chunks.append(key)
        size += len(data)
    return StoredFile(bytes=size, sha256=whole.hexdigest(), chunks=tuple(chunks))


def put_tree(
    store: ObjectStore,
    owner: str,
    folder: Path,
    names: Iterable[str] | None = None,
    seen: dict[str, Seen] | None = None,
) -> Tree:
    """Put the files of a folder, or those of these names, but no temporary ones. `seen` is brought up to date.

    Raises OSError, such as FileNotFoundError for one that vanishes meanwhile, and StoreAway.
    """
    found = {}
    for name in file_names(folder) if names is None else names:
        stat = (folder / name).stat()
        known = seen.get(name) if seen else None
        if known is not None and known[:3] == (stat.st_ino, stat.st_size, stat.st_mtime_ns):
            found[name] = known.stored
            continue
        found[name] = put_file(store, owner, folder / name)
        if seen is not None:
            seen[name] = Seen(stat.st_ino, stat.st_size, stat.st_mtime_ns, found[name])
    return Tree(files=found)


def put_list(store: ObjectStore, owner: str, tree: Tree) -> str:
    """Put the list of a tree whose chunks are there; its key, which is named by its content."""
    data = tree.model_dump_json().encode()
    key = f"{owner}/{sha256(data).hexdigest()}"
    store.put_once(key, data)
    return key


def get_list(store: ObjectStore, key: str) -> Tree:
    """The list under a key, verified. Raises ObjectNotFound, DocumentDamaged and StoreAway."""
    data = store.get(key).data
    if sha256(data).hexdigest() != key.rpartition("/")[2]:
        raise DocumentDamaged(f"{key}: truncated or altered")
    return Tree.model_validate_json(data)


def get_file(store: ObjectStore, file: StoredFile, target: Path) -> None:
    """Write a file to `target`, verified and on disk. Raises ObjectNotFound, DocumentDamaged, OSError and StoreAway."""
    whole = sha256()
    with target.open("wb") as out:
        for key in file.chunks:
            data = store.get(key).data
            whole.update(data)
            out.write(data)
    if whole.hexdigest() != file.sha256:
        raise DocumentDamaged(f"{target.name}: truncated or altered in the store")
    sync(target)


def get_tree(store: ObjectStore, tree: Tree, folder: Path, label: str) -> None:
    """Make `folder` of a tree's files, whole or not at all. Raises FileExistsError, and as `get_file` does."""
    with new_folder(folder, label) as temporary:
        for name, file in tree.files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            get_file(store, file, path)


def file_names(folder: Path) -> list[str]:
    """The files below a folder by their paths in it, in order, but for temporary ones."""
    found = []
    for name, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(TEMPORARY_PREFIX)]
        found += [
            Path(name, file).relative_to(folder).as_posix() for file in files if not file.startswith(TEMPORARY_PREFIX)
        ]
    return sorted(found)


def remove_owner(store: ObjectStore, owner: str) -> None:
    """Remove all chunks and lists of an owner."""
    for listed in store.list(f"{owner}/"):
        store.delete(listed.key)
