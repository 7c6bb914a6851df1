"""A machine's copy of the shelf that the store has. `models/shelf.py` has its layout; weights may be missing in it.

Whoever brings it to a state of the store holds the lock of the copy, and has read that state behind it: so the copy
never goes back. Each step leaves it sound, and after a crash the same steps are done again.
"""

import logging
import os
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from core.card import CARD
from core.crash import crash_point
from core.errors import DocumentDamaged, ObjectNotFound, StoreAway
from core.files import TEMPORARY_PREFIX, new_folder, remove_folder, sha256_of
from core.locks import locked
from models.active_models import ActiveModels
from models.finished_models import MODEL_ID
from models.notes import NO_NOTES, NotesFolder
from objects.store import ObjectStore
from objects.trees import StoredFile, get_file
from sharing.shelf_document import SHELF_KEY, ModelEntry, ShelfContent

POINTERS = "active"
AT_ONCE = 8  # cards that are fetched side by side
FETCH_WAIT_S = 60.0  # for another process that fetches the same weights
SAME_S = 1e-3  # times of files are not kept exactly everywhere

logger = logging.getLogger(__name__)


class ShelfCopy:
    """The folder of one shelf. Any number of processes, and threads of them, may have it."""

    def __init__(self, root: Path, store: ObjectStore, notes: NotesFolder) -> None:
        self._root, self._store, self._notes = root, store, notes
        self._had_pointers = False

    def was_removed(self) -> bool:
        """Whether somebody has removed it since it was brought to a state. It is an empty folder then."""
        removed = not self._root.is_dir() or (self._had_pointers and not (self._root / POINTERS).is_file())
        self._root.mkdir(parents=True, exist_ok=True)
        return removed

    def require_same_store(self, version: int) -> None:
        """Raise StoreAway where the document was never written, but there is a copy of it.

        A file system that is not mounted, or an emptied bucket, is to remove no models.
        """
        if version == 0 and (self.models() or (self._root / POINTERS).exists()):
            detail = f"of which {self._root} is a copy; allowed: the same store, or no copy"
            raise StoreAway(f"the store has no {SHELF_KEY}, {detail}")

    def fetch_cards(self, content: ShelfContent) -> None:
        """Have the card of each model of the shelf, and of each that was deleted. Needs no lock. Raises StoreAway."""
        deleted = self._root / "deleted"
        missing = [(self._root / name, entry.files.files[CARD]) for name, entry in content.models.items()]
        missing += [(deleted / name, kept.card) for name, kept in content.deleted.items()]
        missing = [(folder, card) for folder, card in missing if not (folder / CARD).is_file()]
        if len(missing) < 2:
            list(map(self._fetch_card, missing))
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._fetch_card, missing))

    def fetch(self, model_id: str, entry: ModelEntry, names: Iterable[str]) -> None:
        """Have these files of a model, verified.

        Raises ObjectNotFound, DocumentDamaged, FileNotFoundError where it is removed meanwhile, StoreAway, ShelfBusy.
        """
        folder = self._root / model_id
        with locked(self._root / f".fetching-{model_id[0]}", f"the weights of {model_id}", wait_s=FETCH_WAIT_S):
            wanted = [name for name in names if not _is_sound(folder / name, entry.files.files[name])]
            for name in wanted:
                temporary = folder / f"{TEMPORARY_PREFIX}{name}"
                get_file(self._store, entry.files.files[name], temporary)
                crash_point("copy:before-weights")
                temporary.replace(folder / name)
            if wanted:
                _set_time(folder, entry.arrived_at)

    def models(self) -> set[str]:
        """The ids of the models in it."""
        return {path.name for path in self._root.iterdir() if MODEL_ID.fullmatch(path.name)}

    def bring_to(self, content: ShelfContent, had: Collection[str]) -> None:
        """Make it what the store says: models come before what points to them, and go after it. Raises StoreAway.

        `had` are the models that it had before the content was read: one that has come since may be newer, and stays.
        """
        self.fetch_cards(content)
        for model_id, entry in content.models.items():
            _set_time(self._root / model_id, entry.arrived_at)
        for model_id, kept in content.deleted.items():
            _set_time(self._root / "deleted" / model_id, kept.deleted_at)
        crash_point("copy:before-pointers")
        if ActiveModels.read(self._root / POINTERS) != content.pointers:
            content.pointers.write(self._root / POINTERS)
        crash_point("copy:after-pointers")
        there = self._notes.every()
        for model_id in {*there, *content.notes}:
            if there.get(model_id, NO_NOTES) != (notes := content.notes.get(model_id, NO_NOTES)):
                self._notes.put(model_id, notes)
        for model_id in sorted(set(had) - content.models.keys()):
            remove_folder(self._root / model_id, "shelf")
        self._had_pointers = (self._root / POINTERS).is_file()

    def _fetch_card(self, wanted: tuple[Path, StoredFile]) -> None:
        folder, card = wanted
        try:
            with suppress(FileExistsError), new_folder(folder, "copied-card") as temporary:
                get_file(self._store, card, temporary / CARD)
            if not (folder / CARD).is_file():  # it was there, and its card was lost
                temporary = folder / f"{TEMPORARY_PREFIX}{CARD}-{os.getpid()}"
                get_file(self._store, card, temporary)
                temporary.replace(folder / CARD)
        except (ObjectNotFound, DocumentDamaged, FileNotFoundError) as error:  # deleted meanwhile
            logger.warning("model %s: its card cannot be fetched: %s", folder.name, error)


def _is_sound(path: Path, file: StoredFile) -> bool:
    try:
        return path.stat().st_size == file.bytes and sha256_of(path) == file.sha256
    except FileNotFoundError:
        return False


def _set_time(path: Path, at: float) -> None:
    with suppress(FileNotFoundError):
        if abs(path.stat().st_mtime - at) > SAME_S:
            os.utime(path, (at, at))
