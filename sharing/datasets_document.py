"""What `datasets.json` holds: the imported data sets of a deployment, their names, and all that changes of them.

It is one document, so that imports, deletions and names happen one after the other on all machines, as behind the lock
of one machine. A data set takes about 1 kB in it, and 0.1 kB more for each 8 MiB of its images.
"""

from collections.abc import Collection, Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict

from core.card import ID_LENGTH
from core.scores import Floor
from objects.document import Document
from objects.store import ObjectStore
from objects.trees import Tree

DATASETS_KEY = "datasets.json"
DATASETS = "datasets"  # owners are datasets/<data set id>.<nonce>


class StoredFolder(BaseModel):
    """Files of a folder, and the owner of their chunks."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    owner: str
    files: Tree


class MadeDataset(BaseModel):
    """What an import has made. Arrays have an owner of their own, because they go when the data set is deleted."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    said: StoredFolder  # card.json and problems.jsonl
    arrays: StoredFolder  # images.npy and labels.npy


class Arriving(MadeDataset):
    """What an attempt at an import has made, until its job is published."""

    dataset_id: str


class DatasetEntry(BaseModel):
    """An imported data set."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    name: str  # in its card, as its models have it
    imported_at: float  # seconds since 1970
    said: StoredFolder
    arrays: StoredFolder | None  # None once it is deleted
    leaving: str | None = None  # the nonce of who is about to delete it, unless a job needs it
    judge: StoredFolder | None = None  # the first that was trained
    floor: Floor | None = None


class DatasetsContent(BaseModel):
    """The data sets by id, names, and what is about to become a data set by `<job id>/<attempt>`."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    names: Mapping[str, str] = {}
    sets: Mapping[str, DatasetEntry] = {}
    arriving: Mapping[str, Arriving] = {}

    def owners(self) -> set[str]:
        """The owners of chunks that it names."""
        sets = self.sets.values()
        found = [folder for entry in sets for folder in (entry.said, entry.arrays, entry.judge)]
        found += [folder for one in self.arriving.values() for folder in (one.said, one.arrays)]
        return {folder.owner for folder in found if folder is not None}

    def with_set(self, dataset_id: str, made: MadeDataset, name: str, imported_at: float) -> Self:
        """With a data set. One that is there stays as it is; one that was deleted keeps its name, judge and floor."""
        before = self.sets.get(dataset_id)
        if before is not None and before.arrays is not None:
            return self
        new = {"said": made.said, "arrays": made.arrays, "imported_at": imported_at, "leaving": None}
        entry = before.model_copy(update=new) if before else DatasetEntry(name=name, **new)
        return self._with_entry(dataset_id, entry)

    def with_name(self, name: str, dataset_id: str) -> Self:
        """With a name that stands for a data set."""
        return self.model_copy(update={"names": {**self.names, name: dataset_id}})

    def changed(self, dataset_id: str, **changes: object) -> Self:
        """With changes of a data set, where it is there."""
        entry = self.sets.get(dataset_id)
        return self if entry is None else self._with_entry(dataset_id, entry.model_copy(update=changes))

    def marked(self, dataset_id: str, mark: str | None) -> Self:
        """With the mark of who is about to delete a data set, or with none."""
        return self.changed(dataset_id, leaving=mark)

    def without(self, dataset_id: str, mark: str) -> Self:
        """Without the images of a data set and its names, unless its mark is another one by now."""
        entry = self.sets.get(dataset_id)
        if entry is None or entry.leaving != mark:
            return self
        names = {name: other for name, other in self.names.items() if other != dataset_id}
        return self.changed(dataset_id, arrays=None, leaving=None).model_copy(update={"names": names})

    def with_judge(self, dataset_id: str, judge: StoredFolder) -> Self:
        """With the judge of a data set, unless it has one. Scores beside another judge are no floor any more."""
        entry = self.sets.get(dataset_id)
        return self if entry is None or entry.judge is not None else self.changed(dataset_id, judge=judge, floor=None)

    def with_floor(self, dataset_id: str, floor: Floor) -> Self:
        """With the floor of a data set that has none yet, or one without `memorised`; that of its judge alone."""
        entry = self.sets.get(dataset_id)
        if entry is None or (entry.judge is not None and floor.judge != _id_of(entry.judge)):
            return self
        is_better = entry.floor is None or (entry.floor.scores.memorised is None and floor.scores.memorised is not None)
        return self.changed(dataset_id, floor=floor) if is_better else self

    def with_offer(self, key: str, offer: Arriving) -> Self:
        """With what an attempt has made."""
        return self.model_copy(update={"arriving": {**self.arriving, key: offer}})

    def without_offers(self, keys: Collection[str]) -> Self:
        """Without what attempts have offered."""
        return self.model_copy(update={"arriving": {key: one for key, one in self.arriving.items() if key not in keys}})

    def _with_entry(self, dataset_id: str, entry: DatasetEntry) -> Self:
        return self.model_copy(update={"sets": {**self.sets, dataset_id: entry}})


def _id_of(judge: StoredFolder) -> str:
    """As `JudgeCard.judge_id`."""
    return judge.files.files["weights.safetensors"].sha256[:ID_LENGTH]


def datasets_document(store: ObjectStore) -> Document[DatasetsContent]:
    """The document of a store."""
    return Document(store, DATASETS_KEY, DatasetsContent)
