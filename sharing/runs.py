"""The run directories of jobs: on one machine's disk, or shared. `core/run_dir.py` has their layout."""

import logging
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from core.errors import DocumentDamaged, ObjectNotFound, StoreError
from core.files import TEMPORARY_PREFIX, remove_tree
from core.run_dir import JobDir, RunDir
from jobs.record import Job
from objects.store import ObjectStore
from objects.trees import Tree, get_list, get_tree, remove_owner
from sharing.run_cache import RunCache
from sharing.run_copy import RunCopy, attempt_of
from sharing.run_files import LocalRunFiles, RunFiles, StoredRunFiles

KNOWN_LISTS = 64

logger = logging.getLogger(__name__)


class Runs:
    """The runs under one root."""

    is_shared = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def of(self, job_id: str) -> JobDir:
        """The files of a job on this machine."""
        return JobDir(self.root, job_id)

    def files(self, job: Job) -> list[RunFiles]:
        """The files of a job's attempts, the newest first: at least one, which may be empty. Raises StoreError."""
        job_dir = self.of(job.id)
        runs = list(job_dir.attempts(job.attempt)) or [job_dir.attempt(job.attempt)]
        return [LocalRunFiles(run, self.is_shared) for run in runs]

    def bring(self, job: Job) -> None:
        """Have on this machine what the attempts before left, on whichever machine that was."""

    def copy_of(self, job: Job, run: RunDir, left_out: str | None = None) -> RunCopy | None:
        """What saves the run of an attempt for other machines, without one folder; None where there are none."""
        return None

    def remove(self, job_id: str) -> bool:
        """Remove all files of a job; whether nothing is left of them."""
        return remove_tree(self.of(job_id).folder)

    def remove_strays(self, without_record: Callable[[Collection[str]], set[str]], older_than_s: float) -> list[str]:
        """Remove what this machine has of jobs that were deleted by another one; the ids of these jobs."""
        return []


class SharedRuns(Runs):
    """Runs that go on on any machine. The store has them as of their last save, which the record of the job names."""

    is_shared = True

    def __init__(self, root: Path, store: ObjectStore, cache: Path) -> None:
        super().__init__(root)
        self._store, self._cache = store, RunCache(cache, store)
        self._list = lru_cache(KNOWN_LISTS)(self._get_list)

    def files(self, job: Job) -> list[RunFiles]:
        """Those of this machine where it has the present attempt, else those that were saved last.

        Raises ObjectNotFound for a record that is not the newest any more, and StoreError.
        """
        if job.saved is None or self.of(job.id).attempt(job.attempt).folder.is_dir():
            return super().files(job)
        return [StoredRunFiles(self._list(job.saved), self._cache, job.id)]

    def bring(self, job: Job) -> None:
        """Fetch the attempt that was saved last, unless this machine has that one itself, or a later one.

        Its directory appears whole. Without what is not in the store any more the run goes on from what is here, or
        from its beginning, to the same bytes. Raises OSError, StoreAway and StoreRefused.
        """
        if job.saved is None:
            return
        number, job_dir = attempt_of(job.saved), self.of(job.id)
        if any(job_dir.attempt(later).folder.is_dir() for later in range(number, job.attempt)):
            return
        try:
            with suppress(FileExistsError):
                get_tree(self._store, self._list(job.saved), job_dir.attempt(number).folder, "fetched")
        except (ObjectNotFound, DocumentDamaged) as error:
            logger.error("job %s: what was saved of it cannot be read, it goes on without: %s", job.id, error)

    def copy_of(self, job: Job, run: RunDir, left_out: str | None = None) -> RunCopy:
        """What saves the run of an attempt for other machines, without one folder."""
        return RunCopy(self._store, job.id, job.attempt, run, job.saved, left_out)

    def remove(self, job_id: str) -> bool:
        """Remove all files of a job in the store and on this machine; whether nothing is left of them."""
        is_gone = super().remove(job_id) & self._cache.remove(job_id)
        try:
            remove_owner(self._store, f"runs/{job_id}")
        except StoreError as error:
            logger.warning("job %s: its files in the store are removed later: %s", job_id, error)
            return False
        return is_gone

    def remove_strays(self, without_record: Callable[[Collection[str]], set[str]], older_than_s: float) -> list[str]:
        """Remove what this machine has of jobs without a record, unless it is new; the ids of these jobs."""
        here = {path.name for path in self.root.glob("*") if not path.name.startswith(TEMPORARY_PREFIX)}
        strays = without_record(sorted(here | self._cache.job_ids()))
        return [job_id for job_id in sorted(strays) if self._is_old(job_id, older_than_s) and self._remove_here(job_id)]

    def _get_list(self, key: str) -> Tree:
        return get_list(self._store, key)

    def _remove_here(self, job_id: str) -> bool:
        return super().remove(job_id) & self._cache.remove(job_id)

    def _is_old(self, job_id: str, seconds: float) -> bool:
        folder = self.of(job_id).folder
        changed_at = max((path.stat().st_mtime for path in (folder, *folder.glob("*")) if path.exists()), default=0.0)
        return time.time() - changed_at > seconds
