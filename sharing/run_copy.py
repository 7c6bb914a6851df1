"""What the store has of a run: its files in chunks, and the lists of them, of which the job's record names the newest.

    runs/<job id>/a003/<sha256>    a chunk or a list that the worker of attempt 3 has put

A list also names chunks of the attempts before, where their files are the same still. The trainer goes on writing
while its directory is read, so what a list names was there together at one moment: a state never without the
checkpoints that go with it.
"""

import logging
import os
import re
from contextlib import ExitStack
from typing import BinaryIO

from core.errors import DocumentDamaged, ObjectNotFound
from core.files import sha256_of
from core.run_dir import RunDir
from objects.store import ObjectStore
from objects.trees import Seen, StoredFile, Tree, file_names, get_list, put_list, put_opened

TRIES = 5  # of reading a run that changes meanwhile
_KEY = re.compile(r"runs/[^/]+/a(\d{3,})/[0-9a-f]{64}")

logger = logging.getLogger(__name__)


class RunMoved(OSError):
    """The files of a run changed whenever they were read."""


def owner_of(job_id: str, attempt: int) -> str:
    """What the keys of an attempt begin with."""
    return f"runs/{job_id}/a{attempt:03d}"


def attempt_of(key: str) -> int:
    """The number of the attempt that has put a key; 0 for what is no such key."""
    match = _KEY.fullmatch(key)
    return int(match[1]) if match else 0


class RunCopy:
    """Puts the run of one attempt into the store, again and again, and what has changed alone. For one thread."""

    def __init__(
        self, store: ObjectStore, job_id: str, attempt: int, run: RunDir, before: str | None, left_out: str | None
    ) -> None:
        """`before` is the list that the record named when the attempt began, `left_out` a folder that stays here."""
        self._store, self._job_id, self._attempt, self._run = store, job_id, attempt, run
        self._owner = owner_of(job_id, attempt)
        self._before, self._left_out = before, left_out
        self._seen: dict[str, Seen] = {}
        self._lists: dict[str, set[str]] = {}  # the chunks of each list, in the order in which they were put

    def save(self) -> str:
        """Put what is new; the key of the list. Raises OSError and StoreError, and goes on there the next time."""
        if self._before is not None:
            self._recognise(self._before)
            self._before = None
        tree = self._put()
        key = put_list(self._store, self._owner, tree)
        self._lists.pop(key, None)
        self._lists[key] = tree.chunks()
        return key

    def clear(self, named: str) -> None:
        """Remove what no list from the one before `named` on has, once the record names that. Raises StoreError.

        Who has just read the record may still read the list before. Nobody goes on from any other one: an attempt
        begins with what the record named at its claim, and only the owner of the job names another.
        """
        keys = list(self._lists)
        for old in keys[: max(0, keys.index(named) - 1)]:
            del self._lists[old]
        wanted = set().union(self._lists, *self._lists.values())
        for listed in self._store.list(f"runs/{self._job_id}/"):
            if 0 < attempt_of(listed.key) <= self._attempt and listed.key not in wanted:
                self._store.delete(listed.key)

    def _recognise(self, before: str) -> None:
        """Take note of the files that this attempt has from the one before: they are not put again."""
        try:
            tree = get_list(self._store, before)
        except (ObjectNotFound, DocumentDamaged) as error:
            logger.warning("job %s: all of its files are saved again: %s", self._job_id, error)
            return
        for name, stored in tree.files.items():
            path = self._run.folder / name
            try:
                stat = path.stat()
                if stat.st_size == stored.bytes and sha256_of(path) == stored.sha256:
                    self._seen[name] = _seen(stat, stored)
            except FileNotFoundError:
                continue
        self._lists[before] = tree.chunks()

    def _put(self) -> Tree:
        for _ in range(TRIES):
            try:
                return self._put_once()
            except FileNotFoundError:
                continue
        raise RunMoved(f"{self._run.folder}: changed {TRIES} times while it was read")

    def _put_once(self) -> Tree:
        """Put the files that are there. Raises FileNotFoundError where one was replaced or removed meanwhile."""
        with ExitStack() as opened:
            # The states first: the trainer removes the oldest, so they are held open, and a checkpoint is older.
            states = {name: opened.enter_context((self._run.folder / name).open("rb")) for name in self._state_names()}
            others = [name for name in file_names(self._run.folder) if not self._stays(name)]
            files = {name: self._put_file(name, states.get(name)) for name in [*states, *others]}
        for name in others:
            if name.startswith("checkpoints/") and not self._is_seen(name):
                raise FileNotFoundError(name)
        self._seen = {name: seen for name, seen in self._seen.items() if name in files}
        return Tree(files=files)

    def _put_file(self, name: str, opened: BinaryIO | None) -> StoredFile:
        if opened is None and self._is_seen(name):
            return self._seen[name].stored
        with opened or (self._run.folder / name).open("rb") as file:
            stat, known = os.fstat(file.fileno()), self._seen.get(name)
            if known is None or known != _seen(stat, known.stored):
                known = self._seen[name] = _seen(stat, put_opened(self._store, self._owner, file))
        return known.stored

    def _is_seen(self, name: str) -> bool:
        known = self._seen.get(name)
        return known is not None and known == _seen((self._run.folder / name).stat(), known.stored)

    def _state_names(self) -> list[str]:
        states = self._run.state_folders()
        return [f"{self._run.relative(state)}/{name}" for state in states for name in file_names(state)]

    def _stays(self, name: str) -> bool:
        folder = name.partition("/")[0]
        return folder in (self._run.states.name, self._left_out)


def _seen(stat: os.stat_result, stored: StoredFile) -> Seen:
    return Seen(stat.st_ino, stat.st_size, stat.st_mtime_ns, stored)
