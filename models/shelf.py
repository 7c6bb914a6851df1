"""The shelf: the finished models on disk, and which one of them is active.

    <root>/<model id>/   one immutable checkpoint each
    <root>/active        the id of the active model, below it the one that was active before, and how often that changed
    <root>/.lock         held by whoever changes which one is active

Folders appear by one rename and the pointer changes by one rename, so any number of processes can read and write
the shelf at once. The model that ships with the project stands on every shelf and is active until another is.
"""

import fcntl
import logging
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from core.card import CARD, ID_LENGTH, Card, read_card, verify_checkpoint
from core.errors import CheckpointError, ModelNotFound, ShelfBusy, ShelfChanged
from core.files import new_folder, write_file
from models.gate import Verdict, compare
from models.shelf_index import Entry, ShelfIndex

logger = logging.getLogger(__name__)

PRETRAINED = Path(__file__).parent / "pretrained"
LOCK_S, LOCK_POLL_S = 5.0, 0.01  # changing the active model takes milliseconds
MODEL_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")


class Shelf:
    """The models under one root, and the embedded one."""

    def __init__(self, root: Path, embedded: Path = PRETRAINED) -> None:
        self._root = root
        self._embedded = embedded
        self._embedded_id = read_card(embedded).model_id
        self._pointer = root / "active"
        root.mkdir(parents=True, exist_ok=True)
        self._index = ShelfIndex(root, self.card, MODEL_ID.fullmatch, [self._embedded_id])

    def folder(self, model_id: str) -> Path:
        """The checkpoint folder of a model. Raises ModelNotFound."""
        if model_id == self._embedded_id:
            return self._embedded
        folder = self._root / model_id
        if not MODEL_ID.fullmatch(model_id) or not (folder / CARD).is_file():
            raise ModelNotFound(f"no model {model_id!r} on the shelf; GET /models lists those there are")
        return folder

    def card(self, model_id: str) -> Card:
        """A model's card. Raises ModelNotFound, or CheckpointError when the card is damaged."""
        return read_card(self.folder(model_id))

    def entries(self) -> list[Entry]:
        """All models, newest first, the embedded one among them."""
        return self._index.entries()

    def cards(self, limit: int | None = None, after: str | None = None) -> list[Card]:
        """The cards of up to `limit` models, newest first, those older than the model `after`.

        A damaged card is logged and left out. Raises ModelNotFound for `after`.
        """
        entries = self.entries()
        place = next((place for place, entry in enumerate(entries, 1) if entry.model_id == after), 0)
        if after is not None and not place:
            raise ModelNotFound(f"no model {after!r} on the shelf")
        found: list[Card] = []
        for entry in entries[place:]:
            if len(found) == limit:
                break
            try:
                found.append(self.card(entry.model_id))
            except (CheckpointError, ModelNotFound) as error:
                logger.error("left out of the shelf's list: %s", error)
        return found

    def add(self, checkpoint: Path) -> Card:
        """Copy a checkpoint onto the shelf, verified. A model that already stands there stays as it is.

        Raises CheckpointError when the checkpoint is damaged.
        """
        card = verify_checkpoint(checkpoint)
        try:
            return self.card(card.model_id)
        except ModelNotFound:
            pass
        try:
            with new_folder(self._root / card.model_id, label="shelf") as temporary:
                for name in (CARD, *card.sha256):
                    shutil.copyfile(checkpoint / name, temporary / name)
                verify_checkpoint(temporary)
        except FileExistsError:  # another process shelved the same weights a moment ago
            return self.card(card.model_id)
        return card

    def active(self) -> str:
        """The id of the active model: the embedded one where none was made active, or where that one is gone."""
        model_id = self._pointed_at(0) or self._embedded_id
        try:
            self.folder(model_id)
        except ModelNotFound as error:
            logger.error("the active model is gone, the embedded one takes its place: %s", error)
            return self._embedded_id
        return model_id

    def previous(self) -> str | None:
        """The id of the model that was active before, to go back to. None where the active one is the first."""
        return self._pointed_at(1)

    def changes(self) -> int:
        """How often the active model was changed: what `activate` compares, so that nobody overrules a later choice."""
        return int(self._pointed_at(2) or 0)

    def activate(self, model_id: str, changes: int | None = None) -> Card:
        """Make a model the active one, after verifying its files.

        Raises ModelNotFound or CheckpointError, ShelfChanged when there were not just so many `changes` before, and
        ShelfBusy when another process does not finish changing it; the active model is unchanged then.
        """
        with self._locked(changes):
            return self._activate(model_id)

    def activate_unless_worse(self, model_id: str, changes: int | None = None) -> Verdict:
        """Make a model the active one where the gate lets it pass. Raises as `activate` does."""
        with self._locked(changes):
            candidate = self.card(model_id)
            try:
                verdict = compare(candidate, self.card(self.active()))
            except CheckpointError as error:
                verdict = Verdict(True, f"the active model cannot be read: {error}")
            if verdict.accepted:
                self._activate(model_id)
        return verdict

    def _activate(self, model_id: str) -> Card:
        card = verify_checkpoint(self.folder(model_id))
        active = self.active()
        if model_id != active:
            write_file(self._pointer, f"{model_id}\n{active}\n{self.changes() + 1}\n".encode("ascii"))
        return card

    def _pointed_at(self, line: int) -> str | None:
        """A line of the pointer, or None where there is none."""
        try:
            lines = self._pointer.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return None
        return lines[line] if line < len(lines) else None

    @contextmanager
    def _locked(self, changes: int | None) -> Iterator[None]:
        """Let no other process change the pointer meanwhile. Raises ShelfBusy, or ShelfChanged as `activate` does."""
        with (self._root / ".lock").open("w") as file:
            _lock(file)
            try:
                if changes is not None and changes != self.changes():
                    raise ShelfChanged("another model was made active meanwhile")
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)  # closing the file would leave it to a process forked meanwhile


def _lock(file: IO[str]) -> None:
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise ShelfBusy("another process has been changing the active model for seconds") from error
        time.sleep(LOCK_POLL_S)
