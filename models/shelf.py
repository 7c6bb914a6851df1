"""The shelf: the finished models on disk, and which are active: one of the whole shelf, and one of each data set.

    <root>/<model id>/   one immutable checkpoint each
    <root>/active        which models are active: see models/active_models.py
    <root>/.lock         held by whoever changes that

Folders appear by one rename and the pointer changes by one rename, so any number of processes can read and write
the shelf at once. The model that ships with the project stands on every shelf. It is active, and that of its data set,
until another is.
"""

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.card import CARD, ID_LENGTH, Card, read_card, verify_checkpoint
from core.errors import CheckpointError, ModelNotFound, ShelfChanged
from core.files import new_folder
from core.locks import locked
from models.active_models import NEVER, Active, ActiveModels, overall_model
from models.gate import Verdict, compare
from models.shelf_index import Entry, ShelfIndex

logger = logging.getLogger(__name__)

PRETRAINED = Path(__file__).parent / "pretrained"
MODEL_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")


class Shelf:
    """The models under one root, and the embedded one."""

    def __init__(self, root: Path, embedded: Path = PRETRAINED) -> None:
        self._root = root
        self._embedded = embedded
        card = read_card(embedded)
        self._embedded_id, self._embedded_dataset = card.model_id, card.recipe.dataset
        self._pointers = root / "active"
        root.mkdir(parents=True, exist_ok=True)
        self._index = ShelfIndex(root, self.card, MODEL_ID.fullmatch, [self._embedded_id])

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

    def entries(self) -> list[Entry]:
        """All models, newest first, the embedded one among them."""
        return self._index.entries()

    def cards(self, limit: int | None = None, after: str | None = None, dataset: str | None = None) -> list[Card]:
        """The cards of up to `limit` models, newest first, those older than the model `after`, or those of a data set.

        A damaged card is logged and left out. Raises ModelNotFound for `after`.
        """
        entries = self.entries()
        place = next((place for place, entry in enumerate(entries, 1) if entry.model_id == after), 0)
        if after is not None and not place:
            raise ModelNotFound(f"no model {after!r} on the shelf")
        found: list[Card] = []
        for entry in entries[place:]:
            if len(found) == limit:
                break
            if dataset not in (None, entry.dataset):
                continue
            try:
                found.append(self.card(entry.model_id))
            except (CheckpointError, ModelNotFound) as error:
                logger.error("left out of the shelf's list: %s", error)
        return found

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
            with new_folder(self._root / card.model_id, label="shelf") as temporary:
                for name in (CARD, *card.sha256):
                    shutil.copyfile(checkpoint / name, temporary / name)
                verify_checkpoint(temporary)
        except FileExistsError:  # another process shelved the same weights a moment ago
            return self.card(card.model_id)
        return card

    def active(self, dataset: str | None = None) -> str:
        """The id of the active model, or of that of a data set.

        Where none was made active, or that one is gone, it is the embedded one. A data set that has neither raises
        ModelNotFound.
        """
        if dataset is None:
            return self._or_embedded(overall_model(self._pointers))
        found = self.active_of(dataset)
        if found is None:
            there = ", ".join(sorted(self.actives()))
            raise ModelNotFound(f"no model of the data set {dataset!r} is active; there is one of each of: {there}")
        return found

    def active_of(self, dataset: str) -> str | None:
        """The same of a data set, or None."""
        return self._of_dataset(ActiveModels.read(self._pointers), dataset)

    def actives(self) -> dict[str, str]:
        """The id of the active model of each data set that has one, by the data set's name."""
        pointers = ActiveModels.read(self._pointers)
        names = {*pointers.datasets, self._dataset(self._overall(pointers)), self._embedded_dataset} - {None}
        found = {name: self._of_dataset(pointers, name) for name in names if name}
        return {name: model_id for name, model_id in sorted(found.items()) if model_id}

    def previous(self, dataset: str | None = None) -> str | None:
        """The id of the model that was active before, to go back to. None where the active one is the first."""
        pointers = ActiveModels.read(self._pointers)
        return (pointers.overall if dataset is None else pointers.datasets.get(dataset, NEVER)).previous

    def changes(self) -> int:
        """How often an active model was changed: what `activate` compares, so that nobody overrules a later choice."""
        return ActiveModels.read(self._pointers).changes

    def activate(self, model_id: str, changes: int | None = None, *, overall: bool = True) -> Card:
        """Make a model the active one of its data set and, if `overall`, of the shelf, after verifying its files.

        Raises ModelNotFound or CheckpointError, ShelfChanged when there were not just so many `changes` before, and
        ShelfBusy when another process does not finish changing it; nothing is changed then.
        """
        with self._locked(changes):
            return self._activate(model_id, overall)

    def activate_unless_worse(self, model_id: str, changes: int | None = None) -> Verdict:
        """Make a model the active one of its data set where the gate lets it pass. Raises as `activate` does.

        It becomes that of the shelf only where a model of the same data set was.
        """
        with self._locked(changes):
            candidate = self.card(model_id)
            dataset, pointers = candidate.recipe.dataset, ActiveModels.read(self._pointers)
            incumbent, overall = self._of_dataset(pointers, dataset), self._overall(pointers)
            try:
                first = Verdict(True, f"it is the first model of the data set {dataset!r}")
                verdict = compare(candidate, self.card(incumbent)) if incumbent else first
            except CheckpointError as error:
                verdict = Verdict(True, f"the active model cannot be read: {error}")
            if verdict.accepted:
                self._activate(model_id, overall=overall == incumbent or self._dataset(overall) == dataset)
        return verdict

    def _activate(self, model_id: str, overall: bool) -> Card:
        card = verify_checkpoint(self.folder(model_id))
        dataset, before = card.recipe.dataset, ActiveModels.read(self._pointers)
        of_shelf, of_dataset, datasets = self._overall(before), self._of_dataset(before, dataset), {**before.datasets}
        old = self._dataset(of_shelf)
        if old is not None and of_shelf != self._embedded_id:  # active without a line of its own, from version 0.1
            datasets.setdefault(old, Active(of_shelf))
        if model_id != of_dataset:
            datasets[dataset] = Active(model_id, of_dataset)
        moves = overall and model_id != of_shelf
        if moves or model_id != of_dataset:
            now = Active(model_id, of_shelf) if moves else before.overall
            ActiveModels(now, before.changes + 1, datasets).write(self._pointers)
        return card

    def _overall(self, pointers: ActiveModels) -> str:
        return self._or_embedded(pointers.overall.model)

    def _or_embedded(self, pointed: str | None) -> str:
        return pointed if pointed and self._is_there(pointed) else self._embedded_id

    def _of_dataset(self, pointers: ActiveModels, dataset: str) -> str | None:
        """The active model of a data set. Without one of its own it is the shelf's or the embedded one, if of it."""
        pointed = pointers.datasets.get(dataset, NEVER).model
        if pointed and self._is_there(pointed):
            return pointed
        overall = self._overall(pointers)
        if self._dataset(overall) == dataset:
            return overall
        return self._embedded_id if self._embedded_dataset == dataset else None

    def _is_there(self, model_id: str) -> bool:
        try:
            self.folder(model_id)
        except ModelNotFound as error:
            logger.error("the active model is gone, the embedded one takes its place: %s", error)
            return False
        return True

    def _dataset(self, model_id: str) -> str | None:
        """The name of the data set of a model; None where its card cannot be read."""
        if model_id == self._embedded_id:
            return self._embedded_dataset
        try:
            return self.card(model_id).recipe.dataset
        except (CheckpointError, ModelNotFound):
            return None

    @contextmanager
    def _locked(self, changes: int | None) -> Iterator[None]:
        """Let no other process change the pointer meanwhile. Raises ShelfBusy, or ShelfChanged as `activate` does."""
        with locked(self._root / ".lock", "the active model"):
            if changes is not None and changes != self.changes():
                raise ShelfChanged("another model was made active meanwhile")
            yield
