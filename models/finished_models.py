"""The finished models under one root, and the embedded one: added, found, listed.

Folders appear and vanish by one rename, so any number of processes can add and read at once.
"""

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from core.card import CARD, ID_LENGTH, Card, read_card, verify_checkpoint
from core.errors import CheckpointError, ModelNotFound
from core.files import new_folder
from models.deleted_models import DeletedModels
from models.notes import NO_NOTES, Notes, NotesFolder
from models.shelf_index import Entry, ShelfIndex

MODEL_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")
TRIES = 10  # to add a model that others add and delete in the same moment

Read = TypeVar("Read")

logger = logging.getLogger(__name__)


class FinishedModels:
    """The models under one root, and the embedded one. Which are active is `models/shelf.py`'s."""

    def __init__(self, root: Path, embedded: Path) -> None:
        self._root = root
        self._embedded = embedded
        card = read_card(embedded)
        self._embedded_id, self._embedded_dataset = card.model_id, card.recipe.dataset
        self._notes, self._deleted = NotesFolder(root / "notes"), DeletedModels(root / "deleted")
        root.mkdir(parents=True, exist_ok=True)
        self._index = ShelfIndex(root, self.card, MODEL_ID.fullmatch, [self._embedded_id])

    def folder(self, model_id: str) -> Path:
        """The checkpoint folder of a model. Raises ModelNotFound."""
        if model_id == self._embedded_id:
            return self._embedded
        folder = self._root / model_id
        if not MODEL_ID.fullmatch(model_id) or not (folder / CARD).is_file():
            raise self._not_found(model_id)
        return folder

    def card(self, model_id: str) -> Card:
        """A model's card. Raises ModelNotFound, or CheckpointError when the card is damaged."""
        return self.reading(model_id, read_card)

    def reading(self, model_id: str, read: Callable[[Path], Read]) -> Read:
        """What `read` makes of a model's folder. Raises as `read` does, and ModelNotFound where it is deleted."""
        folder = self.folder(model_id)
        try:
            return read(folder)
        except CheckpointError:
            self.folder(model_id)
            raise

    def entries(self) -> list[Entry]:
        """All models, newest first, the embedded one among them."""
        return self._index.entries()

    def listed(self, after: str | None = None, dataset: str | None = None, label: str | None = None) -> Iterator[Entry]:
        """The models, newest first: those older than the model `after`, of a data set, and with a label.

        `label` is as for `Notes.has`. `after` may be deleted. Raises ModelNotFound for another that is not there.
        """
        notes = self.every_notes() if label is not None else {}
        for entry in self._older_than(after):
            if dataset in (None, entry.dataset) and (label is None or notes.get(entry.model_id, NO_NOTES).has(label)):
                yield entry

    def cards(self, limit: int | None = None, after: str | None = None, dataset: str | None = None) -> list[Card]:
        """The cards of up to `limit` of them. A damaged card is logged and left out. Raises as `listed` does."""
        found = (self.card_if_sound(entry.model_id) for entry in self.listed(after, dataset))
        return list(islice((card for card in found if card), limit))

    def card_if_sound(self, model_id: str) -> Card | None:
        """A model's card, for a list that leaves others out; that is logged."""
        try:
            return self.card(model_id)
        except (CheckpointError, ModelNotFound) as error:
            logger.error("left out of the shelf's list: %s", error)
            return None

    def add(self, checkpoint: Path) -> Card:
        """Copy a checkpoint onto the shelf, verified. A model that already stands there stays as it is, newly arrived.

        One that was deleted has the card that it had. Raises CheckpointError when the checkpoint is damaged.
        """
        card = verify_checkpoint(checkpoint)
        for _ in range(TRIES):
            with suppress(ModelNotFound, FileNotFoundError):
                there = self.card(card.model_id)
                if card.model_id != self._embedded_id:
                    os.utime(self._root / card.model_id)
                return there
            with suppress(FileExistsError):  # another process shelved the same weights a moment ago
                return self._add(checkpoint, card)
        return self.card(card.model_id)

    def _add(self, checkpoint: Path, card: Card) -> Card:
        with new_folder(self._root / card.model_id, label="shelf") as temporary:
            return self._copy_checkpoint(checkpoint, card, temporary)

    def _copy_checkpoint(self, checkpoint: Path, card: Card, folder: Path) -> Card:
        """Copy a checkpoint into a folder, verified, with the card that the model had when it was deleted, if ever."""
        kept = self._deleted.card(card.model_id)
        for name in (CARD, *card.sha256):
            shutil.copyfile(checkpoint / name, folder / name)
        if kept is not None:
            card = kept.model_copy(update={"sha256": card.sha256})
            (folder / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        verify_checkpoint(folder)
        return card

    def notes(self, model_id: str) -> Notes:
        """The labels and the note of a model."""
        return self._notes.of(model_id)

    def every_notes(self) -> Mapping[str, Notes]:
        """Those of all models that have some, by id."""
        return self._notes.every()

    def arrived_at(self, model_id: str) -> float:
        """When a model came to the shelf last, in seconds since 1970. Raises ModelNotFound."""
        try:
            return (self._root / model_id).stat().st_mtime
        except FileNotFoundError as error:
            raise self._not_found(model_id) from error

    def _older_than(self, model_id: str | None) -> list[Entry]:
        """Newest first. The card of a deleted model says where it stood."""
        entries = self.entries()
        if model_id is None:
            return entries
        place = next((place for place, entry in enumerate(entries, 1) if entry.model_id == model_id), None)
        if place is not None:
            return entries[place:]
        kept = self._deleted.card(model_id) if MODEL_ID.fullmatch(model_id) else None
        if kept is None:
            raise self._not_found(model_id)
        return [entry for entry in entries if entry < (kept.created_at, model_id, kept.recipe.dataset)]

    def _not_found(self, model_id: str) -> ModelNotFound:
        deleted_at = self._deleted.deleted_at(model_id) if MODEL_ID.fullmatch(model_id) else None
        if deleted_at is not None:
            return ModelNotFound(f"model {model_id!r} was deleted at {deleted_at:%Y-%m-%dT%H:%M:%SZ}")
        return ModelNotFound(f"no model {model_id!r} on the shelf; GET /models lists those there are")
