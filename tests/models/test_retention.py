"""Which models a shelf lets go."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.notes import Notes
from models.retention import DAY_S, SPARED_S, Arrival, Retention, remove_too_many, too_many
from models.shelf import Shelf
from tests.models.shelves import OpenShelf, set_arrival
from tests.tiny import save_tiny

NOW = time.time()


@pytest.fixture
def shelf(open_shelf: OpenShelf, tmp_path: Path) -> Shelf:
    return open_shelf(tmp_path / "shelf")


def add(shelf: Shelf, folder: Path, seed: int, days: float, dataset: str = "tiny") -> str:
    """A model that arrived so many days ago."""
    save_tiny(folder / str(seed), seed, dataset=dataset)
    model_id = shelf.add(folder / str(seed)).model_id
    set_arrival(shelf, model_id, NOW - days * DAY_S)
    return model_id


def test_the_newest_of_each_data_set_are_kept(shelf: Shelf, tmp_path: Path) -> None:
    tiny = [add(shelf, tmp_path, day, day) for day in (1, 2, 3, 4)]
    bugs = [add(shelf, tmp_path, 10 + day, 100 + day, "bugs") for day in (1, 2, 3)]
    assert remove_too_many(shelf, Retention()) == []
    assert remove_too_many(shelf, Retention(models=2)) == [*tiny[2:], *bugs[2:]]
    assert {card.model_id for card in shelf.cards()} == {*tiny[:2], *bugs[:2], shelf.active()}
    assert remove_too_many(shelf, Retention(models=2)) == []


def test_old_ones_go_and_spared_ones_stay(shelf: Shelf, tmp_path: Path) -> None:
    labelled, before, active, wanted, old = (add(shelf, tmp_path, seed, 40 - seed) for seed in range(1, 6))
    young = add(shelf, tmp_path, 6, 29)
    shelf.change_notes(labelled, lambda _: Notes(labels={"keep": ""}))
    shelf.change_notes(old, lambda _: Notes(note="a note alone spares nothing"))
    shelf.activate(before)
    shelf.activate(active)
    assert remove_too_many(shelf, Retention(days=30), [wanted]) == [old]
    assert remove_too_many(shelf, Retention(models=1), [wanted]) == []
    assert {card.model_id for card in shelf.cards()} == {labelled, before, active, wanted, young, shelf._embedded_id}


def test_one_that_was_made_again_has_arrived_again(shelf: Shelf, tmp_path: Path) -> None:
    first, second = add(shelf, tmp_path, 1, 40), add(shelf, tmp_path, 2, 40)
    assert set(remove_too_many(shelf, Retention(days=30))) == {first, second}
    again = shelf.add(tmp_path / "1").model_id  # with the card that it had
    assert remove_too_many(shelf, Retention(days=30)) == []
    set_arrival(shelf, again, NOW - 40 * DAY_S)
    shelf.add(tmp_path / "1")
    assert remove_too_many(shelf, Retention(days=30)) == []


@given(
    ages_s=st.lists(st.floats(0, 100 * DAY_S), max_size=12),
    models=st.none() | st.integers(1, 5),
    days=st.none() | st.floats(0.1, 90),
)
def test_what_goes_is_beyond_a_bound_and_what_stays_is_not(
    ages_s: list[float], models: int | None, days: float | None
) -> None:
    ages = {f"{k:016x}": age_s for k, age_s in enumerate(ages_s)}
    arrivals = [Arrival(-age_s, model_id, "tiny") for model_id, age_s in ages.items()]
    gone = list(too_many(arrivals, Retention(models, days), now=0.0))
    newest_first = [arrival.model_id for arrival in sorted(arrivals, reverse=True)]
    for place, model_id in enumerate(newest_first):
        beyond = (models is not None and place >= models) or (days is not None and ages[model_id] > days * DAY_S)
        assert (model_id in gone) == (beyond and ages[model_id] > SPARED_S)
