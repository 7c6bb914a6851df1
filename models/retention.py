"""Which models are removed from a shelf after a while, so that it does not grow for ever."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from core.errors import ModelInUse, ModelNotFound
from models.shelf import Shelf

DAY_S = 86_400.0
SPARED_S = 3600.0  # for a model that has just arrived: its job may not have told yet that it has it


class Retention(NamedTuple):
    """How much of a shelf is kept. Each bound holds by itself; None is no bound."""

    models: int | None = None  # of each data set, those that arrived last
    days: float | None = None  # since a model arrived

    @property
    def is_for_ever(self) -> bool:
        """Whether nothing is removed."""
        return self.models is None and self.days is None


class Arrival(NamedTuple):
    """A model that stands on a shelf. Arrivals sort by time."""

    at: float  # seconds since 1970
    model_id: str
    dataset: str


def too_many(arrivals: Iterable[Arrival], keep: Retention, now: float) -> Iterator[str]:
    """The ids of the models beyond a bound, those that arrived last first. A pure function.

    A model that has just arrived is none of them, but counts for its data set.
    """
    of_dataset = Counter[str]()
    for arrival in sorted(arrivals, reverse=True):
        of_dataset[arrival.dataset] += 1
        age_s = now - arrival.at
        beyond = keep.models is not None and of_dataset[arrival.dataset] > keep.models
        too_old = keep.days is not None and age_s > keep.days * DAY_S
        if (beyond or too_old) and age_s > SPARED_S:
            yield arrival.model_id


def remove_too_many(
    shelf: Shelf, keep: Retention, wanted: Collection[str | None] = (), *, dry_run: bool = False
) -> list[str]:
    """Delete the models beyond a bound; their ids. A dry run only says which these are.

    Spared are those that are active or were just before, those with labels, and those that are `wanted`. Raises
    ShelfBusy.
    """
    candidates = (one for one in too_many(_arrivals(shelf), keep, time.time()) if one not in wanted)
    if dry_run:
        return [one for one in candidates if not shelf.uses(one) and not shelf.notes(one).labels]
    removed = []
    for model_id in candidates:
        with suppress(ModelInUse, ModelNotFound):  # spared, or gone already
            shelf.delete(model_id, unless_labelled=True)
            removed.append(model_id)
    return removed


def _arrivals(shelf: Shelf) -> Iterator[Arrival]:
    """All models but the embedded one, which did not arrive."""
    for entry in shelf.entries():
        with suppress(ModelNotFound):
            yield Arrival(shelf.arrived_at(entry.model_id), entry.model_id, entry.dataset)
