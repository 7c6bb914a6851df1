"""The shelf: the finished models on disk, and which one of them is active.

    <root>/<model id>/   one immutable checkpoint each
    <root>/active        the id of the active model

Folders appear by one rename and the pointer changes by one rename, so any number of processes can read and write
the shelf at once. The model that ships with the project stands on every shelf and is active until another is.
"""

import logging
import re
import shutil
from pathlib import Path

from models.card import CARD, ID_LENGTH, Card, read_card, verify_checkpoint
from models.errors import CheckpointError, ModelNotFound
from models.files import new_folder, write_file

logger = logging.getLogger(__name__)

PRETRAINED = Path(__file__).parent / "pretrained"
MODEL_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")


class Shelf:
    """The models under one root, and the embedded one."""

    def __init__(self, root: Path, embedded: Path = PRETRAINED) -> None:
        self._root = root
        self._embedded = embedded
        self._embedded_id = read_card(embedded).model_id
        self._pointer = root / "active"
        root.mkdir(parents=True, exist_ok=True)

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

    def cards(self) -> list[Card]:
        """The cards of all models, newest first, the embedded one among them. A damaged card is logged and left out."""
        cards = []
        for model_id in {path.name for path in self._root.iterdir()} | {self._embedded_id}:
            if MODEL_ID.fullmatch(model_id):
                try:
                    cards.append(self.card(model_id))
                except (CheckpointError, ModelNotFound) as error:
                    logger.error("left out of the shelf's list: %s", error)
        return sorted(cards, key=lambda card: (card.created_at, card.model_id), reverse=True)

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
            with new_folder(self._root / card.model_id) as temporary:
                for name in (CARD, *card.sha256):
                    shutil.copyfile(checkpoint / name, temporary / name)
                verify_checkpoint(temporary)
        except FileExistsError:  # another process shelved the same weights a moment ago
            return self.card(card.model_id)
        return card

    def active(self) -> str:
        """The id of the active model: the embedded one where none was made active, or where that one is gone."""
        try:
            model_id = self._pointer.read_text(encoding="ascii").strip()
            self.folder(model_id)
        except FileNotFoundError:
            return self._embedded_id
        except ModelNotFound as error:
            logger.error("the active model is gone, the embedded one takes its place: %s", error)
            return self._embedded_id
        return model_id

    def activate(self, model_id: str) -> Card:
        """Make a model the active one, after verifying its files.

        Raises ModelNotFound or CheckpointError; the active model is unchanged then.
        """
        card = verify_checkpoint(self.folder(model_id))
        write_file(self._pointer, f"{model_id}\n".encode("ascii"))
        return card
