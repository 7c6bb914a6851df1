"""Deleting models: only those that nobody needs, and each comes back as it was."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.card import CARD
from core.errors import CheckpointError, ModelInUse, ModelNotFound
from models.checkpoint import load_generator
from models.notes import NO_NOTES, Notes
from models.shelf import Shelf
from tests.models.shelves import ON_FILES, OpenShelf
from tests.tiny import flip_byte, save_tiny


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


@pytest.fixture
def shelf(open_shelf: OpenShelf, tmp_path: Path, root: Path) -> Shelf:
    save_tiny(tmp_path / "embedded", seed=100, created_at=datetime(2025, 1, 1, tzinfo=UTC))
    return open_shelf(root, tmp_path / "embedded")


def add(shelf: Shelf, folder: Path, seed: int, dataset: str = "tiny") -> str:
    if not (folder / str(seed)).exists():
        save_tiny(folder / str(seed), seed, datetime(2026, 2, seed, tzinfo=UTC), dataset=dataset)
    return shelf.add(folder / str(seed)).model_id


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - {".lock", "active"}


def test_a_deleted_model_is_gone_for_every_process_and_its_card_is_kept(
    shelf: Shelf, open_shelf: OpenShelf, root: Path, tmp_path: Path
) -> None:
    other, kept, gone = open_shelf(root, tmp_path / "embedded"), add(shelf, tmp_path, 1), add(shelf, tmp_path, 2)
    assert gone in [card.model_id for card in other.cards()]
    shelf.change_notes(gone, lambda _: Notes(labels={"old": ""}, note="blurred"))
    shelf.delete(gone)
    for look in (other.folder, other.card, other.activate, other.delete):
        with pytest.raises(ModelNotFound, match=f"model '{gone}' was deleted at 20"):
            look(gone)
    assert gone not in [card.model_id for card in other.cards()]
    assert (other.notes(gone), dict(other.every_notes())) == (NO_NOTES, {})
    assert files(root) == {f"deleted/{gone}/{CARD}", *(f"{kept}/{path.name}" for path in shelf.folder(kept).iterdir())}


def test_the_same_weights_bring_it_back_with_the_card_that_it_had(shelf: Shelf, tmp_path: Path) -> None:
    gone = add(shelf, tmp_path, 1)
    before = shelf.card(gone)
    save_tiny(tmp_path / "renamed", 1, datetime(2026, 6, 1, tzinfo=UTC), dataset="other")
    for _ in range(2):  # and once more
        shelf.delete(gone)
        assert shelf.add(tmp_path / "renamed") == shelf.card(gone) == before
        assert shelf.activate(gone) == before
        shelf.activate(add(shelf, tmp_path, 2))
        shelf.activate(add(shelf, tmp_path, 3))


def test_neither_an_active_model_nor_the_one_before_is_deleted(shelf: Shelf, tmp_path: Path) -> None:
    embedded = shelf.active()
    bug, icon, newer, newest = (
        add(shelf, tmp_path, seed, name) for seed, name in enumerate(("bugs", "icons", "icons", "icons"), 1)
    )
    shelf.activate(bug, overall=False)
    for model in (icon, newer, newest):
        shelf.activate(model)
    for model, why in (
        (embedded, "ships with digitforge"),
        (bug, "is active"),
        (newest, "is active"),
        (newer, "`previous` goes back"),
    ):
        with pytest.raises(ModelInUse, match=why):
            shelf.delete(model)
        assert shelf.folder(model)
    shelf.delete(icon)
    assert (shelf.active(), shelf.previous(), shelf.active("icons"), shelf.active("bugs")) == (
        newest,
        newer,
        newest,
        bug,
    )


def test_a_label_spares_a_model_where_that_is_asked_for(shelf: Shelf, tmp_path: Path) -> None:
    model = add(shelf, tmp_path, 1)
    shelf.change_notes(model, lambda _: Notes(labels={"keep": ""}))
    with pytest.raises(ModelInUse, match="has labels"):
        shelf.delete(model, unless_labelled=True)
    shelf.delete(model)


@ON_FILES
def test_a_damaged_model_can_be_deleted(shelf: Shelf, root: Path, tmp_path: Path) -> None:
    model = add(shelf, tmp_path, 1)
    flip_byte(root / model / CARD, 0)
    with pytest.raises(CheckpointError):
        shelf.card(model)
    shelf.delete(model)
    assert files(root) == set()
    assert add(shelf, tmp_path, 1) == model


def test_a_damaged_kept_card_keeps_no_model_out(shelf: Shelf, root: Path, tmp_path: Path) -> None:
    model = add(shelf, tmp_path, 1)
    shelf.delete(model)
    (root / "deleted" / model / CARD).write_text("{")
    assert add(shelf, tmp_path, 1) == model


def test_a_page_behind_a_deleted_model_goes_on_where_it_stood(shelf: Shelf, tmp_path: Path) -> None:
    ids = [add(shelf, tmp_path, seed) for seed in range(1, 6)]
    shelf.delete(ids[2])
    assert [card.model_id for card in shelf.cards(after=ids[2])] == [ids[1], ids[0], shelf.active()]


def test_weights_that_vanish_while_they_are_read_are_no_damage(shelf: Shelf, root: Path, tmp_path: Path) -> None:
    model = add(shelf, tmp_path, 1)

    def delete_and_read(folder: Path) -> object:
        shelf.delete(model)
        return load_generator(folder)

    with pytest.raises(ModelNotFound, match="was deleted"):
        shelf.reading(model, delete_and_read)


def test_models_come_and_go_in_many_threads_and_none_is_half_there(
    shelf: Shelf, open_shelf: OpenShelf, root: Path, tmp_path: Path
) -> None:
    """Deleted, added, labelled and made active at once: what stands in the end is whole, and active ones are there."""
    ids = [add(shelf, tmp_path, seed) for seed in range(1, 5)]
    stop, faults = threading.Event(), list[Exception]()

    def repeat(do: object, *expected: type[Exception]) -> None:
        own, k = open_shelf(root, tmp_path / "embedded"), 0
        while not stop.is_set() and not faults:
            k += 1
            try:
                do(own, ids[k % len(ids)], k)  # type: ignore[operator]
            except expected:
                pass
            except Exception as error:
                faults.append(error)

    jobs = [
        (lambda own, model, _: own.delete(model), ModelInUse, ModelNotFound),
        (lambda own, _, k: own.add(tmp_path / str(k % len(ids) + 1)), ModelNotFound),
        (lambda own, model, k: own.change_notes(model, lambda _: Notes(labels={"k": str(k)})), ModelNotFound),
        (lambda own, model, _: own.activate(model), ModelNotFound),
        (lambda own, _, __: [own.folder(own.active()) / CARD, list(own.listed(label="k"))],),
    ]
    threads = [threading.Thread(target=repeat, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    stop.wait(1)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert shelf.folder(shelf.active())
    for card in shelf.cards():
        assert json.loads((shelf.folder(card.model_id) / CARD).read_bytes())["sha256"] == card.sha256
        shelf.activate(card.model_id)  # which verifies it
    shelf.drop_stray_notes()
    assert set(shelf.every_notes()) <= {card.model_id for card in shelf.cards()}
