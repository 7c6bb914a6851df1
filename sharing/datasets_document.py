"""What `datasets.json` holds: the imported data sets of a deployment, their names, and all that changes of them.

It is one document, so that imports, deletions and names happen one after the other on all machines, as behind the lock
of one machine. A data set takes about 1 kB in it, and 0.1 kB more for each 8 MiB of its images.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from core.scores import Floor
from objects.document import Document
from objects.store import ObjectStore
from objects.trees import Tree

DATASETS_KEY = "datasets.json"
DATASETS = "datasets"  # owners are datasets/<data set id>.<nonce>


class StoredFolder(BaseModel):
    """Files of a folder, and the owner of their chunks."""

    model_config = ConfigDict(frozen=True)

    owner: str
    files: Tree


class MadeDataset(BaseModel):
    """What an import has made. Arrays have an owner of their own, because they go when the data set is deleted."""

    model_config = ConfigDict(frozen=True)

    said: StoredFolder  # card.json and problems.jsonl
    arrays: StoredFolder  # images.npy and labels.npy


class Arriving(MadeDataset):
    """What an attempt at an import has made, until its job is published."""

    dataset_id: str


class DatasetEntry(BaseModel):
    """An imported data set."""

    model_config = ConfigDict(frozen=True)

    name: str  # in its card, as its models have it
    imported_at: float  # seconds since 1970
    said: StoredFolder
    arrays: StoredFolder | None  # None once it is deleted
    leaving: str | None = None  # the nonce of who is about to delete it, unless a job needs it
    judge: StoredFolder | None = None  # the first that was trained
    floor: Floor | None = None


class DatasetsContent(BaseModel):
    """The data sets by id, names, and what is about to become a data set by `<job id>/<attempt>`."""

    model_config = ConfigDict(frozen=True)

    names: Mapping[str, str] = {}
    sets: Mapping[str, DatasetEntry] = {}
    arriving: Mapping[str, Arriving] = {}

    def owners(self) -> set[str]:
        """The owners of chunks that it names."""
        sets = self.sets.values()
        found = [folder for entry in sets for folder in (entry.said, entry.arrays, entry.judge)]
        found += [folder for one in self.arriving.values() for folder in (one.said, one.arrays)]
        return {folder.owner for folder in found if folder is not None}


def datasets_document(store: ObjectStore) -> Document[DatasetsContent]:
    """The document of a store."""
    return Document(store, DATASETS_KEY, DatasetsContent)
