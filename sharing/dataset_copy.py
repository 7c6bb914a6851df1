"""This machine's copy of the shared data sets: what is read here, also while the store is away.

<root>/shared.json         the data sets as they were when this machine looked last, and the tag that they had then
<root>/<id>/card.json      and problems.jsonl, floor.json: before shared.json names the data set
<root>/<id>/images.npy     and labels.npy: once somebody here needs them
<root>/<id>/judge/         soon after shared.json names it
<root>/.lock               held by whoever takes over what is new
<root>/<id>/.lock          held by whoever fetches its arrays or its judge
"""

import logging
import secrets
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

from pydantic import BaseModel, ValidationError

from core.dataset_card import CARD, FLOOR, IMAGES, JUDGE, LABELS, DatasetCard
from core.errors import DatasetDeleted, DocumentDamaged, ObjectNotFound, ShelfBusy, StoreError
from core.files import TEMPORARY_PREFIX, remove_folder, replace_by, sha256_of, sync, write_file
from core.locks import locked
from core.ticking import Tick
from objects.document import Document
from objects.store import ObjectStore
from objects.ticking import TickingStore
from objects.trees import StoredFile, get_file, get_tree
from sharing.datasets_document import DatasetEntry, DatasetsContent, StoredFolder

SEEN = "shared.json"
JUDGE_CARD = "judge.json"
ARRAYS = (LABELS, IMAGES)  # the images last

logger = logging.getLogger(__name__)


class Seen(BaseModel):
    """What a machine has seen of the data sets."""

    tag: str | None = None
    content: DatasetsContent = DatasetsContent()


class DatasetCopy:
    """The copy under one root. Any number of processes of this machine use it at once."""

    def __init__(self, root: Path, store: ObjectStore, document: Document[DatasetsContent]) -> None:
        self._root, self._store, self._document = root, store, document
        self._read: tuple[tuple[int, int], Seen] | None = None
        self._looking, self._looked_at = threading.Lock(), -1.0
        self._fault: StoreError | ShelfBusy | OSError | None = None  # of the last look for all

    @property
    def seen(self) -> DatasetsContent:
        """The data sets as they were when this machine looked last; none before."""
        return self._seen().content

    def look(self) -> bool:
        """Take over what is new; whether there was something. Raises ShelfBusy, StoreAway and OSError."""
        self._root.mkdir(parents=True, exist_ok=True)
        with locked(self._root / ".lock", "the copy of the data sets"):
            seen = self._seen()
            found = self._document.read_unless(seen.tag)
            if found is None:
                return False
            content, _, tag = found
            for dataset_id, entry in content.sets.items():
                self._take_over(dataset_id, entry, seen.content.sets.get(dataset_id))
            write_file(self._root / SEEN, Seen(tag=tag, content=content).model_dump_json().encode())
            for dataset_id, entry in content.sets.items():
                if entry.arrays is None:
                    self._drop_arrays(dataset_id)
            return True

    def look_for_all(self) -> None:
        """As `look`, once for all threads of this process that ask before it begins, so that many cost one look."""
        asked_at = time.monotonic()
        with self._looking:
            if self._looked_at < asked_at:
                self._looked_at, self._fault = time.monotonic(), None
                try:
                    self.look()
                except (StoreError, ShelfBusy, OSError) as fault:
                    self._fault = fault
            if self._fault is not None:
                raise self._fault

    def fetch(self, dataset_id: str, tick: Tick) -> None:
        """Have the arrays and the judge. Raises DatasetDeleted, ShelfBusy, DocumentDamaged, StoreAway and OSError."""
        if dataset_id not in self.seen.sets or self._entry(dataset_id).arrays is None:
            self.look()
        arrays = self._entry(dataset_id).arrays
        if arrays is None:
            raise DatasetDeleted(dataset_id)
        self.fetch_judge(dataset_id, tick, replace=True)
        if not self._lacks(dataset_id, arrays):
            return
        with self._held(dataset_id):
            try:
                for name in self._lacks(dataset_id, arrays):
                    self._get(TickingStore(self._store, tick), arrays.files.files[name], self._root / dataset_id / name)
            except ObjectNotFound as error:
                self.look()
                if self._entry(dataset_id).arrays == arrays:
                    raise DocumentDamaged(f"data set {dataset_id}: the store lacks {error}") from error
            if self._entry(dataset_id).arrays is None:
                self._drop_arrays(dataset_id)
                raise DatasetDeleted(dataset_id)

    def adopt(self, dataset_id: str, made: Path, arrays: StoredFolder) -> None:
        """Make arrays that were made on this machine those of the copy, where they are the ones. Raises OSError."""
        if self._entry(dataset_id).arrays != arrays:
            return
        for name in self._lacks(dataset_id, arrays):
            replace_by(self._root / dataset_id / name, made / name)

    def fetch_judge(self, dataset_id: str, tick: Tick, *, replace: bool = False) -> None:
        """Have the judge, where there is one; `replace`: instead of another that was trained here. Raises as `fetch`.

        One that is replaced may be read at this moment: only who is about to train replaces it.
        """
        judge, folder = self._entry(dataset_id).judge, self._root / dataset_id / JUDGE
        if judge is None or not self._wants(judge, folder, replace):
            return
        with self._held(dataset_id):
            if self._wants(judge, folder, replace):
                beside = folder.with_name(f"{TEMPORARY_PREFIX}judge-{secrets.token_hex(4)}")
                get_tree(TickingStore(self._store, tick), judge.files, beside, "judge")
                remove_folder(folder, "judge")
                beside.rename(folder)
                sync(folder.parent)

    def fetch_judges(self) -> None:
        """Have all judges that are lacking. Raises StoreAway and OSError."""
        for dataset_id in self.seen.sets:
            try:
                self.fetch_judge(dataset_id, lambda: None)
            except (DocumentDamaged, ObjectNotFound, ShelfBusy) as error:
                logger.error("data set %s: its judge cannot be had: %s", dataset_id, error)

    def _entry(self, dataset_id: str) -> DatasetEntry:
        entry = self.seen.sets.get(dataset_id)
        if entry is None:
            raise DatasetDeleted(dataset_id)
        return entry

    def _seen(self) -> Seen:
        try:
            stat = (self._root / SEEN).stat()
        except FileNotFoundError:
            return Seen()
        version = stat.st_ino, stat.st_mtime_ns
        if self._read is None or self._read[0] != version:
            try:
                self._read = version, Seen.model_validate_json((self._root / SEEN).read_bytes())
            except ValidationError as error:  # of a newer version: what can be read of it is read anew
                logger.warning("the copy of the data sets is made anew: %s", error)
                self._read = version, Seen()
        return self._read[1]

    def _take_over(self, dataset_id: str, entry: DatasetEntry, before: DatasetEntry | None) -> None:
        """Have what is said of a data set. What cannot be trusted is logged and left out."""
        folder = self._root / dataset_id
        try:
            folder.mkdir(exist_ok=True)
            if before is None or (before.said, before.name) != (entry.said, entry.name):
                for name, file in sorted(entry.said.files.files.items(), key=lambda item: item[0] == CARD):
                    self._get(self._store, file, folder / name, entry.name if name == CARD else None)
            if entry.floor is not None and (before is None or before.floor != entry.floor):
                write_file(folder / FLOOR, entry.floor.model_dump_json(indent=2).encode() + b"\n")
        except (DocumentDamaged, ObjectNotFound, ValidationError) as error:
            logger.error("data set %s: left out: %s", dataset_id, error)

    def _get(self, store: ObjectStore, file: StoredFile, path: Path, named: str | None = None) -> None:
        """Fetch a file, whole or not at all. A card gets the name that its models have."""
        temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
        try:
            get_file(store, file, temporary)
            if named is not None:
                card = DatasetCard.model_validate_json(temporary.read_bytes())
                if card.name != named:
                    renamed = card.model_copy(update={"name": named})
                    write_file(temporary, renamed.model_dump_json(indent=2).encode() + b"\n")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync(path.parent)

    def _lacks(self, dataset_id: str, arrays: StoredFolder) -> list[str]:
        """The arrays that are not here; what is here was verified when it came."""
        here = self._root / dataset_id
        return [name for name in ARRAYS if name in arrays.files.files and not (here / name).is_file()]

    def _drop_arrays(self, dataset_id: str) -> None:
        for name in ARRAYS:
            (self._root / dataset_id / name).unlink(missing_ok=True)

    def _held(self, dataset_id: str) -> AbstractContextManager[None]:
        return locked(self._root / dataset_id / ".lock", f"data set {dataset_id} on this machine")

    @staticmethod
    def _wants(judge: StoredFolder, folder: Path, replace: bool) -> bool:
        if not folder.is_dir():
            return True
        try:
            return replace and sha256_of(folder / JUDGE_CARD) != judge.files.files[JUDGE_CARD].sha256
        except FileNotFoundError:
            return True
