"""The imported data sets of a deployment: folders by id, and names that point to them.

<root>/<id>/           an imported data set: see core/dataset_card.py
<root>/names/<name>    the id that a name stands for, in a line; older versions stay under their ids
<root>/.lock           held by whoever adds or deletes a data set, or makes a job that trains on one
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from core.card import ID_LENGTH
from core.crash import crash_point
from core.dataset_card import CARD, IMAGES, LABELS, DatasetCard, read_dataset_card
from core.errors import DatasetDamaged, DatasetDeleted, DatasetNotFound
from core.files import TEMPORARY_PREFIX, link_or_copy, new_folder, remove_folder, replace_by, write_file
from core.locks import locked
from core.ticking import Tick, no_tick

DATASET_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")
NAMES = "names"


class Committed(NamedTuple):
    """The data set that an import is committed to, and is to get its name."""

    key: str  # names the attempt: `<job id>/<attempt>`
    name: str
    dataset_id: str
    made: Path  # where the attempt made it, until it is published


class DatasetShelf:
    """The data sets under one root. Any number of processes may read and write it at once.

    `sharing/datasets.py` has the same for several machines.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names = root / NAMES

    def ids(self) -> list[str]:
        """All data sets, the deleted ones among them, in order."""
        if not self._root.is_dir():
            return []
        return sorted(path.name for path in self._root.iterdir() if DATASET_ID.fullmatch(path.name))

    def newest_first(self) -> list[str]:
        """The same by the time of their import, the newest first."""
        return sorted(self.ids(), key=self._imported_ns, reverse=True)

    def names(self) -> dict[str, str]:
        """What each name stands for: name -> id."""
        if not self._names.is_dir():
            return {}
        names = sorted(path.name for path in self._names.iterdir() if not path.name.startswith(TEMPORARY_PREFIX))
        return {name: dataset_id for name in names if (dataset_id := self._pointed_at(name))}

    def find(self, name_or_id: str) -> str:
        """The id of a data set that is called so, or has this id. Raises DatasetNotFound."""
        dataset_id = self._pointed_at(name_or_id) or name_or_id
        if not DATASET_ID.fullmatch(dataset_id) or not (self._root / dataset_id / CARD).is_file():
            raise DatasetNotFound(f"no data set {name_or_id!r}; GET /datasets lists those there are")
        return dataset_id

    def find_now(self, name_or_id: str) -> str:
        """The same, as it is on all machines at this moment. Raises DatasetNotFound and StoreAway."""
        return self.find(name_or_id)

    def catch_up(self) -> None:
        """Take over what other machines have changed. Raises StoreAway."""

    def folder(self, dataset_id: str) -> Path:
        """Where a data set is, or will be."""
        return self._root / dataset_id

    def card(self, dataset_id: str) -> DatasetCard:
        """The card of a data set. Raises DatasetDamaged."""
        return read_dataset_card(self.folder(dataset_id))

    def has_images(self, dataset_id: str) -> bool:
        """Whether it can be trained on: false once it is deleted."""
        return (self.folder(dataset_id) / IMAGES).is_file()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let nobody else add, name or delete data sets, or be `keeping` them, meanwhile. Raises ShelfBusy."""
        with self._locked(shared=False):
            yield

    @contextmanager
    def keeping(self, dataset_id: str) -> Iterator[None]:
        """Let a data set not be deleted while a job is made that needs it; any number may keep it at once.

        Raises ShelfBusy, and DatasetDeleted where it is deleted already. Among several machines that may also be raised
        at the end of the block; the job is in vain then.
        """
        with self._locked(shared=True):
            if not self.has_images(dataset_id):
                raise DatasetDeleted(dataset_id)
            yield

    def delete_unless(self, dataset_id: str, users: Callable[[], Sequence[str]]) -> Sequence[str]:
        """Delete a data set as `delete` does, unless it has users, while nobody is `keeping` it; those it has.

        Raises ShelfBusy, StoreAway, and as `users` does, which may be called several times.
        """
        with self.changing():
            found = users()
            if not found:
                self.delete(dataset_id)
            return found

    def fetch(self, dataset_id: str, tick: Tick = no_tick) -> None:
        """Have the images, the labels and the judge in its folder on this machine.

        Raises DatasetDeleted, DatasetDamaged, ShelfBusy, StoreAway and OSError.
        """
        if not self.has_images(dataset_id):
            raise DatasetDeleted(dataset_id)

    def share_judge(self, dataset_id: str) -> None:
        """Give other machines the judge and the floor that a training here has made. Raises StoreAway and OSError."""

    def offer(self, key: str, dataset_id: str, made: Path, tick: Tick = no_tick) -> None:
        """Have what an attempt made where any machine can publish it, before its job is committed to it.

        Raises StoreAway and OSError.
        """

    def forget_offers(self, is_over: Callable[[str], bool]) -> list[str]:
        """Drop what attempts offered whose jobs are over; the keys of these. Raises StoreAway, and as `is_over`."""
        return []

    def publish(self, committed: Callable[[], Committed | None]) -> None:
        """Add the data set of an import and let its name stand for it, unless that was done before.

        `committed` is asked while nobody else publishes, so that one who was frozen half way overrules no later import
        under the same name; None: there is nothing to do. It may be asked several times. Raises ShelfBusy, StoreAway
        and OSError, and as it does.
        """
        with self.changing():
            found = committed()
            if found is not None and found.made.is_dir():  # else it was moved before, and its name may mean another
                self.add(found.made, found.dataset_id)
                crash_point("import:added")
                self.point(found.name, found.dataset_id)
                crash_point("import:named")
                remove_folder(found.made, "made")

    def add(self, made: Path, dataset_id: str) -> None:
        """Put the files of a data set in their place, by somebody who is `changing`; those in `made` stay.

        A data set that is there already stays as it is; one that was deleted gets its images back, and keeps the name
        that its models have.
        """
        folder = self.folder(dataset_id)
        if self.has_images(dataset_id):
            return
        if not folder.exists():
            with new_folder(folder, "imported") as temporary:
                for file in made.iterdir():
                    link_or_copy(file, temporary / file.name)
            return
        with suppress(DatasetDamaged):
            card = read_dataset_card(made).model_copy(update={"name": self.card(dataset_id).name})
            write_file(made / CARD, card.model_dump_json(indent=2).encode() + b"\n")
        for name in sorted((file.name for file in made.iterdir()), key=lambda name: name == IMAGES):  # the images last
            replace_by(folder / name, made / name)

    def point(self, name: str, dataset_id: str) -> None:
        """Let a name stand for a data set from now on, by somebody who is `changing`."""
        self._names.mkdir(parents=True, exist_ok=True)
        write_file(self._names / name, f"{dataset_id}\n".encode("ascii"))

    def delete(self, dataset_id: str) -> None:
        """Remove the images, and then the names that point to them, by somebody who is `changing`. All else stays.

        Done again, it goes on where it was left.
        """
        for file in (IMAGES, LABELS):
            (self.folder(dataset_id) / file).unlink(missing_ok=True)
        for name, pointed_at in self.names().items():
            if pointed_at == dataset_id:
                (self._names / name).unlink(missing_ok=True)

    def _locked(self, *, shared: bool) -> AbstractContextManager[None]:
        self._root.mkdir(parents=True, exist_ok=True)
        return locked(self._root / ".lock", "the data sets", shared=shared)

    def _imported_ns(self, dataset_id: str) -> int:
        """A card is written by its import alone."""
        try:
            return (self.folder(dataset_id) / CARD).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def _pointed_at(self, name: str) -> str | None:
        if "/" in name or name.startswith("."):
            return None
        try:
            return (self._names / name).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
