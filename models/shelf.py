"""The shelf: the finished models on disk, and which are active: one of the whole shelf, and one of each data set.

    <root>/<model id>/   one immutable checkpoint each
    <root>/active        which models are active: see models/active_models.py
    <root>/notes/        labels and notes of models: see models/notes.py
    <root>/deleted/      cards of deleted models: see models/deleted_models.py
    <root>/.lock         held by whoever changes any of that, or deletes a model

Folders appear and vanish by one rename and the pointer changes by one rename, so any number of processes can read and
write the shelf at once. The model that ships with the project stands on every shelf. It is active, and that of its data
set, until another is.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from core.card import Card, verify_checkpoint
from core.errors import CheckpointError, ModelInUse, ModelNotFound, ShelfChanged
from core.files import remove_folder
from core.locks import locked
from models.active_models import NEVER, Active, ActiveModels, overall_model
from models.finished_models import FinishedModels
from models.gate import Verdict, compare
from models.notes import NO_NOTES, Notes

PRETRAINED = Path(__file__).parent / "pretrained"

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class Change(NamedTuple):
    """What becomes of a shelf, all of it or nothing."""

    pointers: ActiveModels | None = None  # None: as they are
    notes: Mapping[str, Notes] = {}  # those that change, by the model's id; NO_NOTES drops them
    deleted: str | None = None  # a model that is removed, its notes with it


class Shelf(FinishedModels):
    """The models under one root, and the embedded one."""

    def __init__(self, root: Path, embedded: Path = PRETRAINED) -> None:
        super().__init__(root, embedded)
        self._pointers = root / "active"

    def catch_up(self) -> None:
        """Learn what other machines changed. Here there are none."""

    def look(self) -> None:
        """Catch up for somebody who misses a model here. What goes wrong is logged."""

    def has_weights(self, model_id: str) -> bool:
        """Whether what draws is on this machine, as far as a look at the folder tells. Without a store it is."""
        return True

    def fetch_weights(self, model_id: str) -> None:
        """Have on this machine what draws. Raises ModelNotFound, CheckpointError, ShelfBusy and StoreError."""

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
        return self._change(partial(self._activation, model_id, overall), changes)

    def activate_unless_worse(self, model_id: str, changes: int | None = None) -> Verdict:
        """Make a model the active one of its data set where the gate lets it pass. Raises as `activate` does.

        It becomes that of the shelf only where a model of the same data set was.
        """

        def judged() -> tuple[Verdict, Change]:
            candidate = self.card(model_id)
            dataset, pointers = candidate.recipe.dataset, ActiveModels.read(self._pointers)
            incumbent, overall = self._of_dataset(pointers, dataset), self._overall(pointers)
            try:
                first = Verdict(True, f"it is the first model of the data set {dataset!r}")
                verdict = compare(candidate, self.card(incumbent)) if incumbent else first
            except CheckpointError as error:
                verdict = Verdict(True, f"the active model cannot be read: {error}")
            if not verdict.accepted:
                return verdict, Change()
            return verdict, self._activation(model_id, overall == incumbent or self._dataset(overall) == dataset)[1]

        return self._change(judged, changes)

    def change_notes(self, model_id: str, change: Callable[[Notes], Notes]) -> Notes:
        """Change the labels and the note of a model, while nobody else does.

        Raises ModelNotFound, ShelfBusy, and as `change` does, with nothing changed.
        """

        def changed() -> tuple[Notes, Change]:
            self.folder(model_id)
            notes = change(self._notes.of(model_id))
            return notes, Change(notes={model_id: notes})

        return self._change(changed)

    def delete(self, model_id: str, *, unless_labelled: bool = False) -> None:
        """Remove a model, its labels and its note; its card is kept. A drawing that has its weights ends on them.

        Raises ModelNotFound, ShelfBusy, and ModelInUse for the embedded model, for those that are active or were just
        before, and with `unless_labelled` for one that has labels.
        """

        def removed() -> tuple[None, Change]:
            self.folder(model_id)
            if uses := self.uses(model_id):
                raise ModelInUse(f"model {model_id} is {' and '.join(uses)}")
            if unless_labelled and self._notes.of(model_id).labels:
                raise ModelInUse(f"model {model_id} has labels")
            return None, Change(deleted=model_id)

        self._change(removed)

    def uses(self, model_id: str) -> list[str]:
        """Why a model cannot be deleted, in words; nothing where it can."""
        pointers = ActiveModels.read(self._pointers)
        active = [self._overall(pointers), *(self._of_dataset(pointers, name) for name in pointers.datasets)]
        previous = [pointers.overall.previous, *(pointer.previous for pointer in pointers.datasets.values())]
        reasons = {
            "the one that ships with digitforge": model_id == self._embedded_id,
            "active": model_id in active,
            "the one that was active before, to which `previous` goes back": model_id in previous,
        }
        return [reason for reason, holds in reasons.items() if holds]

    def drop_stray_notes(self) -> None:
        """Remove the notes of models that are gone, which a crash may leave. Raises ShelfBusy."""

        def stray() -> tuple[None, Change]:
            ids = [one for one in self._notes.every() if one != self._embedded_id and not (self._root / one).exists()]
            return None, Change(notes=dict.fromkeys(ids, NO_NOTES))

        self._change(stray)

    def _change(self, compute: Callable[[], tuple[Result, Change]], changes: int | None = None) -> Result:
        """Carry out what `compute` makes of the shelf, while no other process changes it; what it gives beside it.

        Raises as it does, ShelfBusy, and ShelfChanged as `activate` does.
        """
        with self._locked():
            self._require(changes)
            result, change = compute()
            self._carry_out(change)
        return result

    def _carry_out(self, change: Change) -> None:
        """Behind the lock."""
        if change.pointers is not None:
            change.pointers.write(self._pointers)
        for model_id, notes in change.notes.items():
            self._notes.put(model_id, notes)
        if change.deleted is not None:
            self._deleted.keep(change.deleted, self._root / change.deleted)
            remove_folder(self._root / change.deleted, "shelf")
            self._notes.drop(change.deleted)

    def _activation(self, model_id: str, overall: bool) -> tuple[Card, Change]:
        card = self.reading(model_id, verify_checkpoint)
        dataset, before = card.recipe.dataset, ActiveModels.read(self._pointers)
        of_shelf, of_dataset, datasets = self._overall(before), self._of_dataset(before, dataset), {**before.datasets}
        old = self._dataset(of_shelf)
        if old is not None and of_shelf != self._embedded_id:  # active without a line of its own, from version 0.1
            datasets.setdefault(old, Active(of_shelf))
        if model_id != of_dataset:
            datasets[dataset] = Active(model_id, of_dataset)
        moves = overall and model_id != of_shelf
        if not moves and model_id == of_dataset:
            return card, Change()
        now = Active(model_id, of_shelf) if moves else before.overall
        return card, Change(ActiveModels(now, before.changes + 1, datasets))

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

    def _require(self, changes: int | None) -> None:
        """Raise ShelfChanged as `activate` does."""
        if changes is not None and changes != self.changes():
            raise ShelfChanged("another model was made active meanwhile")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let no other process change the shelf meanwhile. Raises ShelfBusy."""
        with locked(self._root / ".lock", "the shelf of models"):
            yield
