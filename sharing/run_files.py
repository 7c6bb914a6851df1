"""The files of a run as readers find them, by their names in its directory: on this machine's disk, or in the store."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path, PurePath

from core.files import sha256_of
from core.run_dir import RunDir, epochs_of_checkpoints, epochs_of_samples
from objects.trees import Tree
from sharing.run_cache import RunCache

LAYOUT = RunDir(Path())  # its paths are the names


class RunFiles(ABC):
    """The files of one attempt's run directory. What is listed is what is there, or was at the last save."""

    @abstractmethod
    def names_in(self, folder: PurePath) -> set[str]:
        """The names of what is directly in a folder; none where there is no such folder."""

    @abstractmethod
    def size(self, name: PurePath) -> int | None:
        """A file's bytes, or None where there is no such file."""

    @abstractmethod
    def sha256(self, name: PurePath) -> str | None:
        """The digest of a file, where machines have to agree on it and there is such a file."""

    @abstractmethod
    def find(self, name: PurePath) -> Path | None:
        """Where a file can be read here, in a folder in which it has its own name; None where there is no such file.

        Raises StoreError and OSError.
        """

    def fetch(self, names: Iterable[PurePath]) -> None:  # noqa: B027 - they are
        """Have these files at hand when they are asked for one by one. Raises StoreError and OSError."""

    def sample_epochs(self) -> list[int]:
        """The epochs with a sample grid, in order; epoch 0 is before training."""
        return epochs_of_samples(self.names_in(LAYOUT.samples))

    def checkpoint_epochs(self) -> list[int]:
        """The epochs with a checkpoint, in order."""
        return epochs_of_checkpoints(self.names_in(LAYOUT.checkpoints))


class LocalRunFiles(RunFiles):
    """Those of a run directory on this machine."""

    def __init__(self, run: RunDir, shared: bool) -> None:
        """`shared` where other machines answer for the same files."""
        self._run, self._shared = run, shared

    def names_in(self, folder: PurePath) -> set[str]:
        """The names of what is directly in a folder; none where there is no such folder."""
        return {path.name for path in (self._run.folder / folder).glob("*")}

    def size(self, name: PurePath) -> int | None:
        """A file's bytes, or None where there is no such file."""
        path = self._run.folder / name
        return path.stat().st_size if path.is_file() else None

    def sha256(self, name: PurePath) -> str | None:
        """The digest of a file, where machines have to agree on it and there is such a file."""
        path = self._run.folder / name
        if not self._shared or not path.is_file():
            return None
        stat = path.stat()
        return _digest(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)

    def find(self, name: PurePath) -> Path | None:
        """Where a file is; None where there is no such file."""
        path = self._run.folder / name
        return path if path.is_file() else None


class StoredRunFiles(RunFiles):
    """Those that a list in the store names; they are fetched when they are asked for."""

    def __init__(self, tree: Tree, cache: RunCache, job_id: str) -> None:
        self._files, self._cache, self._job_id = tree.files, cache, job_id

    def names_in(self, folder: PurePath) -> set[str]:
        """The names of what is directly in a folder; none where there is no such folder."""
        parts = ((PurePath(name), len(folder.parts)) for name in self._files)
        return {path.parts[depth] for path, depth in parts if path.is_relative_to(folder) and path != folder}

    def size(self, name: PurePath) -> int | None:
        """A file's bytes, or None where there is no such file."""
        stored = self._files.get(name.as_posix())
        return stored.bytes if stored else None

    def sha256(self, name: PurePath) -> str | None:
        """The digest of a file; None where there is no such file."""
        stored = self._files.get(name.as_posix())
        return stored.sha256 if stored else None

    def find(self, name: PurePath) -> Path | None:
        """Where a file can be read here; None where there is no such file. Raises StoreError and OSError."""
        stored = self._files.get(name.as_posix())
        return self._cache.get(self._job_id, stored, name.name) if stored else None

    def fetch(self, names: Iterable[PurePath]) -> None:
        """Have these files at hand when they are asked for one by one. Raises StoreError and OSError."""
        found = ((self._files.get(name.as_posix()), name.name) for name in names)
        self._cache.get_all(self._job_id, [(stored, name) for stored, name in found if stored is not None])


@lru_cache(maxsize=4096)
def _digest(path: Path, inode: int, size: int, changed_ns: int) -> str:
    """The digest of a file that looks like this: files are only replaced as a whole, and logs grow."""
    return sha256_of(path)
