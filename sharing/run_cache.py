"""Files of runs of other machines, fetched from the store when somebody asks for one.

<root>/<job id>/<sha256>.<name>/<name>    whole and verified, or not there
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from core.files import new_folder, remove_tree
from objects.store import ObjectStore
from objects.trees import StoredFile, get_file

AT_ONCE = 8  # files, where many small ones are wanted
MOST_BYTES = 1 << 30
SHARE = 64  # a look at all files for each such part of the bound that was fetched, not for each file
IN_USE_S = 300.0  # a file that was asked for lately may be on its way to a client


class RunCache:
    """A folder that all processes of a machine share. It keeps the files that were asked for last."""

    def __init__(self, root: Path, store: ObjectStore, most_bytes: int = MOST_BYTES) -> None:
        self._root, self._store, self._most_bytes = root, store, most_bytes
        self._fetched = most_bytes  # bytes since this process looked for room; before the first fetch nobody knows

    def get(self, job_id: str, file: StoredFile, name: str) -> Path:
        """The path of a file. Raises ObjectNotFound, DocumentDamaged, StoreAway and OSError."""
        path = self._path(job_id, file, name)
        with suppress(FileNotFoundError):
            os.utime(path)
            return path
        with suppress(FileExistsError), new_folder(path.parent, "cached") as temporary:
            get_file(self._store, file, temporary / name)
        self._fetched += file.bytes
        if self._fetched >= self._most_bytes / SHARE:
            self._fetched = 0
            self._make_room()
        return path

    def get_all(self, job_id: str, files: Sequence[tuple[StoredFile, str]]) -> None:
        """Fetch what is missing of several files, some at a time. Raises as `get` does."""
        missing = [(file, name) for file, name in files if not self._path(job_id, file, name).is_file()]
        if missing:
            with ThreadPoolExecutor(min(AT_ONCE, len(missing)), "fetching") as pool:
                list(pool.map(lambda one: self.get(job_id, *one), missing))

    def remove(self, job_id: str) -> bool:
        """Remove the files of a job; whether nothing is left of them."""
        return remove_tree(self._root / job_id)

    def job_ids(self) -> set[str]:
        """The jobs that it has files of."""
        return {path.name for path in self._root.glob("*")}

    def _path(self, job_id: str, file: StoredFile, name: str) -> Path:
        return self._root / job_id / f"{file.sha256}.{name}" / name

    def _make_room(self) -> None:
        """Remove the files that were not asked for for the longest time, down to the bound."""
        found = []
        for folder, _, names in os.walk(self._root):  # which passes over folders that vanish meanwhile
            for path in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):
                    stat = path.stat()
                    found.append((stat.st_mtime, stat.st_size, path))
        too_many = sum(size for _, size, _ in found) - self._most_bytes
        for used_at, size, path in sorted(found):
            if too_many <= 0 or time.time() - used_at < IN_USE_S:
                return
            remove_tree(path.parent)
            too_many -= size
