"""The cards of deleted models. They are kept, so that the same weights have the same card when they come again.

    <folder>/<model id>/card.json    the card, as it stood with the weights

A picture depends on the card too: on the names of the classes, and on how often each is drawn. So a URL that names the
model stays the same picture, and whoever asks for the model meanwhile is told that it was deleted.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from core.card import CARD, Card, read_card
from core.errors import CheckpointError
from core.files import new_folder


class DeletedModels:
    """The cards of the models that were deleted from a shelf. Whoever adds one holds the lock of the shelf."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, model_id: str, checkpoint: Path) -> None:
        """Keep the card of a model that is about to be deleted; on disk when this returns.

        A damaged card is not kept. One that is kept already stays, with the time of the last deletion.
        """
        try:
            read_card(checkpoint)
        except CheckpointError:
            return
        kept = self._folder / model_id
        if kept.exists():
            os.utime(kept)
            return
        with new_folder(kept, "deleted-card") as temporary:
            (temporary / CARD).write_bytes((checkpoint / CARD).read_bytes())

    def card(self, model_id: str) -> Card | None:
        """The card of a model that stands on the shelf no more, or has come back; None where none was kept."""
        try:
            return read_card(self._folder / model_id)
        except CheckpointError:
            return None

    def deleted_at(self, model_id: str) -> datetime | None:
        """When a model was deleted last; None where no card was kept."""
        try:
            return datetime.fromtimestamp((self._folder / model_id).stat().st_mtime, UTC)
        except FileNotFoundError:
            return None
