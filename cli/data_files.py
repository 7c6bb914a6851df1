"""The files of a data folder that belong in a backup, in an order in which nothing falls between two looks.

What moves while the service runs is read where it is before it is read where it goes: runs before the data sets that
they become, names before what they name, a state of a run before the checkpoints that are older. A file that is
replaced is taken as it was or as it is. Logs grow: what was there is taken. A folder of few files, such as a model or
a state, is taken whole or not at all.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from stat import S_ISREG
from typing import IO

from cli.archive import DATA, FOLDERS, ArchiveWriter, FolderTime, Line
from cli.own_redis import FOLDER, LOCK
from core.dataset_shelf import NAMES
from core.files import TEMPORARY_PREFIX
from core.run_dir import JobDir, RunDir
from core.schema import FILE

LEFT_OUT = {FOLDER, LOCK, FILE, "logs"}  # at the top: what the backup has otherwise, and what nobody misses
LOCKS = ".lock"
RUNS, UPLOADS, DATASETS, SHELF = "runs", "uploads", "datasets", "shelf"  # as core/settings.py has them
FEW = 16
LOOKS = 20


class DataFiles:
    """Writes the files of one data folder into an archive."""

    def __init__(self, root: Path, archive: ArchiveWriter) -> None:
        self._root, self._archive = root, archive
        self._written: set[str] = set()
        self._uploads: set[str] = set()
        self._first: dict[tuple[int, ...], Line] = {}

    def put_upload(self, upload_id: str) -> bool:
        """An upload that an import is to read; false where it is gone."""
        if upload_id not in self._uploads and self._put_whole(self._root / UPLOADS / upload_id):
            self._uploads.add(upload_id)
        return upload_id in self._uploads

    def put_all(self, attempts: Mapping[str, int]) -> None:
        """All else: of each job the run directories of so many attempts, and whatever stands beside them."""
        for job_id, newest in attempts.items():
            self._first.clear()  # attempts of one job share files
            self._put_job(JobDir(self._root / RUNS, job_id), newest)
        self._first.clear()
        for folder in (UPLOADS, DATASETS):
            self._put_tree(self._root / folder)
        times = list(self._times(self._root / SHELF))
        self._put_tree(self._root / SHELF)
        self._put_tree(self._root, but={*LEFT_OUT, RUNS, UPLOADS, DATASETS, SHELF})
        self._archive.add_bytes(FOLDERS, b"".join(json.dumps(one).encode() + b"\n" for one in times))

    def _put_job(self, job: JobDir, newest: int) -> None:
        runs = {run.folder.name: run for run in job.attempts(newest)}
        for _, run in sorted(runs.items()):
            self._put_a_state(run)
            self._put_tree(run.folder)
        # A later attempt than the record tells of would stand in the way of the next one.
        later = {folder.name for folder in job.folder.glob("attempt-*")} - runs.keys()
        self._put_tree(job.folder, but={*runs, *later})

    def _put_a_state(self, run: RunDir) -> None:
        """The newest state of a run, and those there are beside it: a trainer may be replacing them at the moment."""
        for _ in range(LOOKS):
            taken = [self._put_whole(folder) for folder in run.state_folders()]
            if not taken or any(taken):
                return

    def _times(self, folder: Path) -> Iterator[FolderTime]:
        """Of all folders in a folder."""
        for inner in _listed(folder)[1]:
            with suppress(FileNotFoundError):
                yield FolderTime(f"{DATA}/{inner.relative_to(self._root).as_posix()}", inner.stat().st_mtime_ns)
            yield from self._times(inner)

    def _put_tree(self, folder: Path, but: Collection[str] = ()) -> None:
        """All files of a folder, and then those of the folders in it, names first."""
        files, folders = _listed(folder, but)
        if folders or len(files) > FEW:
            for file in files:
                self._put([file])
        else:
            self._put_whole(folder, but)
        for inner in sorted(folders, key=lambda path: (path.name != NAMES, path)):
            self._put_tree(inner)

    def _put_whole(self, folder: Path, but: Collection[str] = ()) -> bool:
        """All files of a folder of files, or none where it goes meanwhile; whether they are in the archive."""
        for _ in range(LOOKS):
            files, _folders = _listed(folder, but)
            if not files:
                return False
            if self._put(files):
                return True
        return False

    def _put(self, files: Collection[Path]) -> bool:
        """Some files that were opened before any is written, so that all are there; false where one has vanished."""
        with ExitStack() as stack:
            try:
                opened = [(path, stack.enter_context(_open(path))) for path in files]
            except FileNotFoundError:
                return False
            for path, file in opened:
                self._write(path.relative_to(self._root).as_posix(), file)
        return True

    def _write(self, path: str, file: IO[bytes]) -> None:
        if path in self._written:
            return
        self._written.add(path)
        status = os.fstat(file.fileno())
        if not S_ISREG(status.st_mode):
            return
        # The time too: a number may be given to another file once nobody has the first one.
        same = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        member = f"{DATA}/{path}"
        if status.st_nlink > 1 and same in self._first:
            self._archive.link(member, self._first[same])
            return
        line = self._archive.add(member, file, status.st_size, status.st_mtime_ns)
        if status.st_nlink > 1:
            self._first[same] = line


def _open(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb")


def _listed(folder: Path, but: Collection[str] = ()) -> tuple[list[Path], list[Path]]:
    """Regular files and folders in a folder, in order; nothing half written, no locks, no links, and of none none."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(_kept(entries, but), key=lambda entry: entry.name)
            files = [Path(entry.path) for entry in found if entry.is_file(follow_symlinks=False)]
            return files, [Path(entry.path) for entry in found if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return [], []


def _kept(entries: "Iterator[os.DirEntry[str]]", but: Collection[str]) -> Iterator["os.DirEntry[str]"]:
    for entry in entries:
        if entry.name not in (LOCKS, *but) and not entry.name.startswith(TEMPORARY_PREFIX):
            yield entry
