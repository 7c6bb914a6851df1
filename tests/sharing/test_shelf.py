"""Models of machines that share a store: each says the same of them, whichever changed them."""

from pathlib import Path

import pytest

from core.card import CARD, DISCRIMINATOR, GENERATOR, verify_checkpoint
from core.errors import CheckpointError, ModelInUse, ModelNotFound, ShelfChanged
from models.checkpoint import load_generator
from models.notes import Notes
from sharing.shelf_document import shelf_document
from tests.sharing.machines import Machines, client, what_it_says
from tests.tiny import flip_byte, save_tiny


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def test_what_one_machine_changes_another_says(machines: Machines) -> None:
    here, there = machines.open("here"), machines.open("there")
    first, second, third = (here.add(machines.checkpoint(seed)).model_id for seed in (1, 2, 3))
    here.activate(first)
    here.activate(second)
    there.catch_up()
    assert what_it_says(there) == what_it_says(here)
    there.change_notes(first, lambda _: Notes(labels={"sharp": ""}))
    there.activate(third)
    there.delete(first)
    here.catch_up()
    assert what_it_says(there) == what_it_says(here)
    assert (here.active(), here.previous()) == (third, second)
    with pytest.raises(ModelNotFound, match="was deleted at"):
        here.card(first)


def test_whoever_has_not_seen_a_change_overrules_it_nowhere(machines: Machines) -> None:
    here, there = machines.open("here"), machines.open("there")
    model = here.add(machines.checkpoint(1)).model_id
    there.catch_up()
    seen = there.changes()
    here.activate(model)
    with pytest.raises(ShelfChanged):
        there.activate(model, seen)
    with pytest.raises(ModelInUse, match="active"):
        there.delete(model)  # though its copy did not say so
    there.activate(model, there.changes())


def test_weights_come_when_they_are_read_and_once(machines: Machines) -> None:
    here, there = machines.open("here"), machines.open("there")
    active, other = (here.add(machines.checkpoint(seed)).model_id for seed in (1, 2))
    here.activate(active)
    there.catch_up()
    root = machines.root("there")
    assert {path.name for path in (root / active).iterdir()} == {CARD, GENERATOR}
    assert {path.name for path in (root / other).iterdir()} == {CARD}
    before = client(there).gets
    there.reading(active, load_generator)
    assert client(there).gets == before
    there.reading(other, verify_checkpoint)
    before = client(there).gets
    machines.open("there").reading(other, verify_checkpoint)
    assert client(there).gets == before


@pytest.mark.parametrize("name", [GENERATOR, DISCRIMINATOR])
def test_what_is_damaged_in_a_copy_is_mended_and_what_is_in_the_store_is_not_read(
    machines: Machines, name: str
) -> None:
    here, there = machines.open("here"), machines.open("there")
    model = here.add(machines.checkpoint(1)).model_id
    flip_byte(machines.root("here") / model / name, 0)
    assert here.reading(model, verify_checkpoint) == here.card(model)
    there.catch_up()
    (chunk,) = shelf_document(machines.store()).read()[0].models[model].files.files[name].chunks
    flip_byte(machines.folder / "store" / chunk, 0)
    with pytest.raises(CheckpointError, match="damaged"):
        there.activate(model)


def test_weights_that_come_again_have_the_card_that_they_had(machines: Machines, tmp_path: Path) -> None:
    here, there = machines.open("here"), machines.open("there")
    card = here.add(machines.checkpoint(1))
    there.delete(card.model_id)
    save_tiny(tmp_path / "renamed", 1, dataset="renamed")
    for _ in range(2):
        assert there.add(tmp_path / "renamed") == card
        here.catch_up()
        assert here.card(card.model_id) == card
        here.delete(card.model_id)


def test_two_machines_that_add_the_same_have_it_once(machines: Machines, tmp_path: Path) -> None:
    here, there = machines.open("here"), machines.open("there")
    card = here.add(machines.checkpoint(1))
    save_tiny(tmp_path / "renamed", 1, dataset="renamed")
    with pytest.raises(ModelNotFound):
        there.card(card.model_id)
    assert there.add(tmp_path / "renamed") == card
    here.catch_up()
    assert what_it_says(here) == what_it_says(there)
    assert owners(machines) == {shelf_document(machines.store()).read()[0].models[card.model_id].owner}


def test_a_deleted_model_leaves_its_card_in_the_store(machines: Machines) -> None:
    here = machines.open("here")
    for seed in (1, 2):
        here.delete(here.add(machines.checkpoint(seed)).model_id)
    content = shelf_document(machines.store()).read()[0]
    assert owners(machines) == content.owners() == {kept.owner for kept in content.deleted.values()}
    new = machines.open("new")
    new.catch_up()
    with pytest.raises(ModelNotFound, match="was deleted at"):
        new.card(next(iter(content.deleted)))


def test_a_copy_that_lost_something_has_it_again_after_a_look(machines: Machines) -> None:
    here = machines.open("here")
    model = here.add(machines.checkpoint(1)).model_id
    here.activate(model)
    (machines.root("here") / model / CARD).unlink()
    (machines.root("here") / "active").unlink()
    here.look()
    assert (here.active(), here.card(model).model_id) == (model, model)


def owners(machines: Machines) -> set[str]:
    """Of everything below `models/` in the store."""
    return {listed.key.rpartition("/")[0] for listed in machines.store().list("models/")}


def test_weights_that_another_process_fetches_meanwhile_are_read(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = machines.open("here").add(machines.checkpoint(1)).model_id
    there = machines.open("there")
    there.catch_up()
    read = there._document.read

    def fetch_and_read() -> object:
        machines.open("there").reading(model, verify_checkpoint)
        return read()

    monkeypatch.setattr(there._document, "read", fetch_and_read)
    assert there.reading(model, verify_checkpoint).model_id == model
