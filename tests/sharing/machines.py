"""Machines with disks of their own that share a store of models, and a store that can be away."""

from collections.abc import Callable
from pathlib import Path

from core.card import verify_checkpoint
from core.errors import StoreAway
from objects.files import FileStore
from objects.store import ObjectStore, Stored
from sharing.shelf import SharedShelf
from tests.tiny import save_tiny


class LossyStore(FileStore):
    """A store that is away while `away`, and that loses the answer to each put that it carries out while `mute`."""

    away = mute = False
    gets = 0

    def get(self, key: str) -> Stored:
        self.gets += 1
        self._require()
        return super().get(key)

    def delete(self, key: str) -> None:
        self._require()
        super().delete(key)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        self._require()
        super()._put_if(key, data, tag)
        if self.mute:
            self.away = True
            raise StoreAway("lost")

    def _require(self) -> None:
        if self.away:
            raise StoreAway("away")


class Machines:
    """Shelves of machines by their names, each over a store client of its own; on a disk where none is given."""

    def __init__(self, folder: Path, store: Callable[[], ObjectStore] | None = None) -> None:
        self.folder, self.store = folder, store or (lambda: LossyStore(folder / "store"))
        save_tiny(folder / "embedded", seed=100)

    def open(self, name: str) -> SharedShelf:
        """The shelf as another process of a machine opens it."""
        return SharedShelf(self.root(name), self.store(), self.folder / "embedded")

    def root(self, name: str) -> Path:
        """Where a machine's copy is."""
        return self.folder / name / "shelf"

    def checkpoint(self, seed: int) -> Path:
        """A trained model; the same bytes for the same seed."""
        folder = self.folder / "checkpoints" / str(seed)
        if not folder.exists():
            save_tiny(folder, seed)
        return folder


def client(shelf: SharedShelf) -> LossyStore:
    """The store client of a shelf."""
    assert isinstance(shelf._store, LossyStore)
    return shelf._store


def what_it_says(shelf: SharedShelf) -> object:
    """All that a machine says of its models, after reading every file of them."""
    ids = [entry.model_id for entry in shelf.entries() if entry.model_id != shelf._embedded_id]
    for model_id in ids:
        shelf.reading(model_id, verify_checkpoint)
    names = sorted(shelf.actives())
    return (
        [(shelf.card(model_id), round(shelf.arrived_at(model_id), 2)) for model_id in ids],
        dict(shelf.every_notes()),
        (shelf.active(), shelf.previous(), shelf.changes()),
        [(name, shelf.active(name), shelf.previous(name)) for name in names],
    )
