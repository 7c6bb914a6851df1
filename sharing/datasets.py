"""The imported data sets that machines share: the store has them, and each machine a copy of what it reads.

Everything that changes is in one document (`sharing/datasets_document.py`), so each change is one step of its own, and
needs no lock. A data set that is about to be deleted is marked first, and jobs are looked for then; who makes a job
that needs it takes the mark away once the job is there. So of the two at least one sees the other.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from core.crash import crash_point
from core.dataset_card import FLOOR, JUDGE, read_dataset_card
from core.dataset_shelf import Committed, DatasetShelf
from core.errors import (
    DatasetDamaged,
    DatasetDeleted,
    DatasetNotFound,
    DocumentDamaged,
    ShelfBusy,
    StoreAway,
    StoreBusy,
    StoreError,
)
from core.files import remove_folder
from core.scores import Floor
from core.ticking import Tick, no_tick
from objects.store import ObjectStore
from objects.ticking import TickingStore
from objects.trees import file_names, put_tree, remove_owner
from sharing.dataset_copy import ARRAYS, DatasetCopy
from sharing.datasets_document import (
    DATASETS,
    Arriving,
    DatasetsContent,
    MadeDataset,
    StoredFolder,
    datasets_document,
)
from sharing.grace import PublishedTooLate, PublishWindow

TRIES = 10  # at a deletion that others come between
GRACE_S = 86_400.0

Put = TypeVar("Put")

logger = logging.getLogger(__name__)


class SharedDatasets(DatasetShelf):
    """The data sets of a store, with this machine's copy under a root."""

    def __init__(self, root: Path, store: ObjectStore, grace_s: float = GRACE_S) -> None:
        """Whatever is in the store for `grace_s` seconds and named by nobody may be removed."""
        super().__init__(root)
        self._store, self._grace_s = store, grace_s
        self._document = datasets_document(store)
        self._copy = DatasetCopy(root, store, self._document)

    def ids(self) -> list[str]:
        """All data sets that this machine has seen, the deleted ones among them, in order."""
        return sorted(self._copy.seen.sets)

    def newest_first(self) -> list[str]:
        """The same by the time of their import, the newest first."""
        sets = self._copy.seen.sets
        return sorted(self.ids(), key=lambda dataset_id: sets[dataset_id].imported_at, reverse=True)

    def names(self) -> dict[str, str]:
        """What each name stands for: name -> id."""
        return dict(sorted(self._copy.seen.names.items()))

    def find(self, name_or_id: str) -> str:
        """The id of a data set as this machine has seen it. Raises DatasetNotFound."""
        seen = self._copy.seen
        dataset_id = seen.names.get(name_or_id, name_or_id)
        if dataset_id not in seen.sets:
            raise DatasetNotFound(f"no data set {name_or_id!r}; GET /datasets lists those there are")
        return dataset_id

    def find_now(self, name_or_id: str) -> str:
        """The same as it is in the store at this moment. Raises DatasetNotFound, ShelfBusy and StoreAway."""
        self._copy.look_for_all()
        return self.find(name_or_id)

    def catch_up(self) -> None:
        """Bring this machine's copy up to date, with all judges. Raises ShelfBusy, StoreAway and OSError."""
        self._copy.look()
        self._copy.fetch_judges()

    def has_images(self, dataset_id: str) -> bool:
        """Whether it can be trained on, wherever its images are: false once it is deleted."""
        entry = self._copy.seen.sets.get(dataset_id)
        return entry is not None and entry.arrays is not None

    def fetch(self, dataset_id: str, tick: Tick = no_tick) -> None:
        """Have the images, the labels and the judge in its folder on this machine, verified."""
        try:
            self._copy.fetch(dataset_id, tick)
        except DocumentDamaged as error:
            raise DatasetDamaged(str(error)) from error

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nothing to hold: `add`, `point` and `delete` are one step each."""
        yield

    @contextmanager
    def keeping(self, dataset_id: str) -> Iterator[None]:
        """Let a data set not be deleted while a job is made that needs it.

        Raises DatasetDeleted, also at the end of the block. Where the store is away then, the job finds out.
        """
        if not self.has_images(dataset_id):
            raise DatasetDeleted(dataset_id)
        yield
        try:
            content = self._change(lambda content: content.marked(dataset_id, None))
        except StoreError as error:
            logger.warning("data set %s: a job was made, and nobody can tell whether it is kept: %s", dataset_id, error)
            return
        if content.sets[dataset_id].arrays is None:
            raise DatasetDeleted(dataset_id)

    def delete_unless(self, dataset_id: str, users: Callable[[], Sequence[str]]) -> Sequence[str]:
        """Delete a data set, unless it has users; those it has. Raises StoreAway, and as `users` does."""
        for _ in range(TRIES):
            found = self._try_to_delete(dataset_id, users)
            if found is not None:
                return found
        raise StoreBusy(f"others have been making jobs that need data set {dataset_id}")

    def _try_to_delete(self, dataset_id: str, users: Callable[[], Sequence[str]]) -> Sequence[str] | None:
        """The users of a data set, or none once it is deleted; None where others came between."""
        mark = secrets.token_hex(8)
        before = self._change(lambda content: content.marked(dataset_id, mark)).sets[dataset_id]
        crash_point("dataset:marked")
        if found := users():
            return found  # the mark stays, and means nothing to others
        after = self._change(lambda content: content.without(dataset_id, mark)).sets[dataset_id]
        if after.arrays is not None:
            return None
        crash_point("dataset:deleted")
        self._discard(before.arrays)
        self._look_if_possible()
        return []

    def delete(self, dataset_id: str) -> None:
        """Remove the images, and the names that point to them."""
        self.delete_unless(dataset_id, tuple)

    def add(self, made: Path, dataset_id: str) -> None:
        """Share the files of a data set, where it is not there with its images; those in `made` stay."""
        name = read_dataset_card(made).name
        put = self._share(
            lambda: self._put(dataset_id, made, no_tick),
            lambda content, put: content.with_set(dataset_id, put, name, time.time()),
        )
        self._copy.look()
        self._copy.adopt(dataset_id, made, put.arrays)

    def point(self, name: str, dataset_id: str) -> None:
        """Let a name stand for a data set from now on."""
        self._change(lambda content: content.with_name(name, dataset_id))
        self._copy.look()

    def offer(self, key: str, dataset_id: str, made: Path, tick: Tick = no_tick) -> None:
        """Put what an attempt made into the store, and into the document as what is about to be published."""
        self._share(
            lambda: self._put(dataset_id, made, tick),
            lambda content, put: content.with_offer(key, Arriving(dataset_id=dataset_id, **dict(put))),
        )

    def forget_offers(self, is_over: Callable[[str], bool]) -> list[str]:
        """Drop what attempts offered whose jobs are over; the keys of these."""
        over = {key: one for key, one in self._copy.seen.arriving.items() if is_over(key)}
        if over:
            content = self._change(lambda content: content.without_offers(over))
            for one in over.values():
                self._discard_unless_named(one, content)
        return list(over)

    def publish(self, committed: Callable[[], Committed | None]) -> None:
        """Add the data set of an import and let its name stand for it, and drop the offer, all in one step.

        Once the offer is gone it was published, and the name may mean another data set by now.
        """
        found: Committed | None = None
        arrived: Arriving | None = None

        def compute(content: DatasetsContent) -> DatasetsContent | None:
            nonlocal found, arrived
            found = committed()
            if found is None or found.key not in content.arriving:
                return None
            arrived = content.arriving[found.key]
            added = content.with_set(found.dataset_id, arrived, found.name, time.time())
            return added.with_name(found.name, found.dataset_id).without_offers([found.key])

        content = self._change(compute)
        if found is not None and arrived is None and found.dataset_id not in content.sets and found.made.is_dir():
            self.offer(found.key, found.dataset_id, found.made)  # of a worker that knew of no store
            content = self._change(compute)
        crash_point("import:named")
        if found is not None and arrived is not None:
            self._discard_unless_named(arrived, content)
            if self._look_if_possible() and found.made.is_dir():
                self._copy.adopt(found.dataset_id, found.made, arrived.arrays)
        if found is not None:
            remove_folder(found.made, "made")

    def share_judge(self, dataset_id: str) -> None:
        """Share the judge and the floor that were made here, where the store has none. The first one is kept."""
        seen, folder = self._copy.seen, self._root / dataset_id
        entry = seen.sets.get(dataset_id)
        shares_judge = entry is not None and entry.judge is None and (folder / JUDGE).is_dir()
        if shares_judge:
            names = file_names(folder / JUDGE)
            self._share(
                lambda: self._put_folder(dataset_id, folder / JUDGE, names, no_tick),
                lambda content, judge: content.with_judge(dataset_id, judge),
            )
        floor = _read_floor(folder / FLOOR)
        shares_floor = floor is not None and seen.with_floor(dataset_id, floor) != seen
        if floor is not None and shares_floor:
            self._change(lambda content: content.with_floor(dataset_id, floor))
        if shares_judge or shares_floor:
            self._look_if_possible()

    def _share(self, put: Callable[[], Put], name: Callable[[DatasetsContent, Put], DatasetsContent]) -> Put:
        """Put files into the store and let the document name them, in time, or all over again."""
        while True:
            try:
                return self._share_in_time(put, name)
            except PublishedTooLate as error:
                logger.warning("put into the store once more: %s", error)

    def _share_in_time(self, put: Callable[[], Put], name: Callable[[DatasetsContent, Put], DatasetsContent]) -> Put:
        window = PublishWindow(self._grace_s)
        there = put()
        crash_point("dataset:put")

        def compute(content: DatasetsContent) -> DatasetsContent:
            window.require_open()
            return name(content, there)

        self._change(compute)
        return there

    def _change(self, compute: Callable[[DatasetsContent], DatasetsContent | None]) -> DatasetsContent:
        def changed(content: DatasetsContent, version: int) -> DatasetsContent | None:
            if version == 0 and self._copy.seen.sets:  # a file system that is not mounted, or a bucket that was emptied
                raise StoreAway("the store has none of the data sets that this machine has seen")
            return compute(content)

        content, _ = self._document.change(changed)
        return content

    def _put(self, dataset_id: str, made: Path, tick: Tick) -> MadeDataset:
        names = file_names(made)
        said = self._put_folder(dataset_id, made, [name for name in names if name not in ARRAYS], tick)
        return MadeDataset(said=said, arrays=self._put_folder(dataset_id, made, set(names) & set(ARRAYS), tick))

    def _put_folder(self, dataset_id: str, folder: Path, names: Iterable[str], tick: Tick) -> StoredFolder:
        owner = f"{DATASETS}/{dataset_id}.{secrets.token_hex(8)}"
        return StoredFolder(owner=owner, files=put_tree(TickingStore(self._store, tick), owner, folder, names))

    def _discard_unless_named(self, made: MadeDataset, content: DatasetsContent) -> None:
        for folder in (made.said, made.arrays):
            if folder.owner not in content.owners():
                self._discard(folder)

    def _discard(self, folder: StoredFolder | None) -> None:
        """Remove what nobody names. Where that cannot be done now, it is garbage and collected later."""
        if folder is not None:
            with suppress(StoreError):
                remove_owner(self._store, folder.owner)

    def _look_if_possible(self) -> bool:
        """Let this machine see what it has just changed itself; else it follows soon."""
        try:
            self._copy.look()
        except (StoreError, ShelfBusy, OSError) as error:
            logger.warning("the copy of the data sets is older than the store's: %s", error)
            return False
        return True


def _read_floor(path: Path) -> Floor | None:
    try:
        return Floor.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
