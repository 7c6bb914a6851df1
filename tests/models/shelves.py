"""Shelves of one machine, and of several that share a store: what is tested of the one holds for the other."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.shelf import PRETRAINED, Shelf
from objects.files import FileStore
from sharing.shelf import SharedShelf
from sharing.shelf_document import ShelfContent, shelf_document

KINDS = ("files", "store")
ON_FILES = pytest.mark.parametrize("open_shelf", ["files"], indirect=True)  # of what a copy is not


@dataclass(frozen=True)
class OpenShelf:
    """Opens a shelf of a kind as another process, or another machine, does."""

    kind: str
    store: Path

    def __call__(self, root: Path, embedded: Path = PRETRAINED) -> Shelf:
        """That under a root, with an embedded model."""
        return Shelf(root, embedded) if self.kind == "files" else SharedShelf(root, FileStore(self.store), embedded)


def set_arrival(shelf: Shelf, model_id: str, at: float) -> None:
    """Let a model have come to a shelf then, in seconds since 1970."""
    if not isinstance(shelf, SharedShelf):
        os.utime(shelf.folder(model_id), (at, at))
        return

    def arrived(content: ShelfContent, _: int) -> ShelfContent:
        entry = content.models[model_id].model_copy(update={"arrived_at": at})
        return content.model_copy(update={"models": {**content.models, model_id: entry}})

    shelf_document(shelf._store).change(arrived)
    shelf.catch_up()
