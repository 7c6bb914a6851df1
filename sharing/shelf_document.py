"""What `shelf.json` holds: the models that stand on the shelf of a deployment, and all that changes of them.

It is one document, so that adding, deleting, labelling and choosing models happen one after the other on all machines,
as behind the lock of one machine. A model takes about 1 kB in it.
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.active_models import NEVER, Active, ActiveModels
from models.notes import Notes
from objects.document import Document
from objects.store import ObjectStore
from objects.trees import StoredFile, Tree

SHELF_KEY = "shelf.json"
MODELS = "models"  # owners are models/<model id>.<nonce>


class ModelEntry(BaseModel):
    """A model that stands on the shelf."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    owner: str
    files: Tree
    created_at: datetime
    dataset: str
    arrived_at: float  # seconds since 1970


class KeptCard(BaseModel):
    """The card of a model that was deleted, and has perhaps come back. It is never removed."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    owner: str
    card: StoredFile
    deleted_at: float  # seconds since 1970: the last time


class ShelfContent(BaseModel):
    """The shelf. Models, notes and kept cards go by the id of the model, active ones by the name of the data set."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    changes: int = 0  # of what is active, as `ActiveModels.changes`
    overall: Active = NEVER
    datasets: Mapping[str, Active] = {}
    models: Mapping[str, ModelEntry] = {}
    notes: Mapping[str, Notes] = {}
    deleted: Mapping[str, KeptCard] = {}

    @property
    def pointers(self) -> ActiveModels:
        """Which models were made active."""
        return ActiveModels(self.overall, self.changes, self.datasets)

    def owners(self) -> set[str]:
        """The owners of chunks that it names."""
        return {entry.owner for entry in self.models.values()} | {kept.owner for kept in self.deleted.values()}


def shelf_document(store: ObjectStore) -> Document[ShelfContent]:
    """The document of a store."""
    return Document(store, SHELF_KEY, ShelfContent)
