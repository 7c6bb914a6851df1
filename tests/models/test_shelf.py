import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.card import CARD, DISCRIMINATOR, GENERATOR, read_card, verify_checkpoint
from core.errors import CheckpointError, ModelNotFound
from models.shelf import PRETRAINED, Shelf
from tests.models.shelves import ON_FILES, OpenShelf
from tests.tiny import flip_byte, save_tiny, score_sheet


@pytest.fixture
def embedded(tmp_path: Path) -> Path:
    save_tiny(tmp_path / "embedded", seed=100, created_at=datetime(2025, 1, 1, tzinfo=UTC))
    return tmp_path / "embedded"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "shelf"


@pytest.fixture
def shelf(open_shelf: OpenShelf, root: Path, embedded: Path) -> Shelf:
    return open_shelf(root, embedded)


def test_the_shipped_model_is_active_on_a_fresh_shelf(open_shelf: OpenShelf, root: Path) -> None:
    shelf = open_shelf(root)
    assert shelf.folder(shelf.active()) == PRETRAINED
    assert [card.model_id for card in shelf.cards()] == [shelf.active()]


def test_a_model_is_added_whole_and_not_made_active(shelf: Shelf, checkpoint: Path, root: Path) -> None:
    before = shelf.active()
    card = shelf.add(checkpoint)
    assert verify_checkpoint(root / card.model_id) == card == read_card(checkpoint) == shelf.card(card.model_id)
    assert shelf.folder(card.model_id) == root / card.model_id
    assert shelf.active() == before


def test_an_activated_model_is_active_for_everyone(
    shelf: Shelf, open_shelf: OpenShelf, checkpoint: Path, root: Path, embedded: Path
) -> None:
    card = shelf.add(checkpoint)
    assert shelf.activate(card.model_id) == card
    assert shelf.active() == open_shelf(root, embedded).active() == card.model_id


def test_the_shipped_model_can_be_made_active_again(shelf: Shelf, checkpoint: Path, embedded: Path) -> None:
    shelf.activate(shelf.add(checkpoint).model_id)
    shelf.activate(read_card(embedded).model_id)
    assert shelf.folder(shelf.active()) == embedded


def test_the_newest_card_comes_first(shelf: Shelf, tmp_path: Path, embedded: Path) -> None:
    days = {1: 20, 2: 10, 3: 30}
    cards = {}
    for seed, day in days.items():
        save_tiny(tmp_path / str(seed), seed, datetime(2026, 1, day, tzinfo=UTC))
        cards[seed] = shelf.add(tmp_path / str(seed))
    assert shelf.cards() == [cards[3], cards[1], cards[2], read_card(embedded)]


def test_adding_twice_changes_nothing(shelf: Shelf, checkpoint: Path, root: Path, tmp_path: Path) -> None:
    first = shelf.add(checkpoint)
    files = {path: path.stat().st_mtime_ns for path in (root / first.model_id).iterdir()}
    assert len(files) == 3
    save_tiny(tmp_path / "later", created_at=datetime(2026, 6, 1, tzinfo=UTC))  # the same weights, another card
    assert shelf.add(tmp_path / "later") == shelf.add(checkpoint) == first
    assert {path: path.stat().st_mtime_ns for path in (root / first.model_id).iterdir()} == files


def test_the_shipped_model_is_not_copied(shelf: Shelf, embedded: Path, root: Path) -> None:
    assert shelf.add(embedded) == read_card(embedded)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", [GENERATOR, DISCRIMINATOR, CARD])
def test_a_damaged_checkpoint_is_not_added(shelf: Shelf, checkpoint: Path, root: Path, name: str) -> None:
    flip_byte(checkpoint / name, 0)
    with pytest.raises(CheckpointError, match=name):
        shelf.add(checkpoint)
    assert list(root.iterdir()) == []


@ON_FILES
@pytest.mark.parametrize("name", [GENERATOR, DISCRIMINATOR, CARD])
def test_a_damaged_model_is_not_activated(shelf: Shelf, checkpoint: Path, root: Path, name: str) -> None:
    before = shelf.active()
    model_id = shelf.add(checkpoint).model_id
    flip_byte(root / model_id / name, 0)
    with pytest.raises(CheckpointError, match=name):
        shelf.activate(model_id)
    assert shelf.active() == before


STRANGERS = ["0123456789abcdef", "", ".", "..", "../x", "../../checkpoints/c", "active", "0123456789ABCDEF", "x" * 16]


@pytest.mark.parametrize("model_id", STRANGERS)
def test_an_unknown_id_is_refused(shelf: Shelf, checkpoint: Path, model_id: str) -> None:
    shelf.activate(shelf.add(checkpoint).model_id)
    before = shelf.active()
    for refuse in (shelf.folder, shelf.card, shelf.activate):
        with pytest.raises(ModelNotFound):
            refuse(model_id)
    assert shelf.active() == before


@pytest.mark.parametrize("path", ["{root}/{id}", "./{id}", "{id}/", "{id}\n", "../shelf/{id}", "{id}/../{id}"])
def test_a_path_to_a_model_is_no_id(shelf: Shelf, checkpoint: Path, root: Path, path: str) -> None:
    model_id = shelf.add(checkpoint).model_id
    with pytest.raises(ModelNotFound):
        shelf.activate(path.format(root=root, id=model_id))


def test_a_damaged_card_is_left_out_of_the_list(
    shelf: Shelf, checkpoint: Path, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model_id = shelf.add(checkpoint).model_id
    flip_byte(root / model_id / CARD, 0)
    assert [card.model_id for card in shelf.cards()] == [shelf.active()]
    assert model_id in caplog.text


def test_a_model_without_a_card_is_left_out_of_the_list(shelf: Shelf, checkpoint: Path, root: Path) -> None:
    model_id = shelf.add(checkpoint).model_id
    (root / model_id / CARD).unlink()
    assert [card.model_id for card in shelf.cards()] == [shelf.active()]


def test_what_else_lies_on_the_shelf_is_no_model(shelf: Shelf, checkpoint: Path, root: Path) -> None:
    card = shelf.add(checkpoint)
    for name in (".tmp-crashed", "notes", card.model_id + "0"):
        shutil.copytree(root / card.model_id, root / name)
    assert sorted(found.model_id for found in shelf.cards()) == sorted([card.model_id, shelf.active()])


def test_the_embedded_model_takes_the_place_of_one_that_is_gone(shelf: Shelf, checkpoint: Path, root: Path) -> None:
    before, card = shelf.active(), shelf.add(checkpoint)
    shelf.activate(card.model_id)
    shutil.rmtree(root / card.model_id)
    assert shelf.active() == before


def test_the_model_that_was_active_before_is_remembered(
    shelf: Shelf, open_shelf: OpenShelf, root: Path, embedded: Path, tmp_path: Path
) -> None:
    shipped = read_card(embedded).model_id
    assert shelf.previous() is None
    first, second = (shelf.add(save_to(tmp_path / str(seed), seed)).model_id for seed in (1, 2))
    shelf.activate(first)
    assert (shelf.active(), shelf.previous()) == (first, shipped)
    shelf.activate(second)
    shelf.activate(second)  # once more changes nothing
    assert (open_shelf(root, embedded).active(), open_shelf(root, embedded).previous()) == (second, first)


def test_a_process_forked_while_the_pointer_changes_does_not_keep_the_lock(root: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from models.shelf import Shelf\n"
        "shelf = Shelf(Path(sys.argv[1]))\n"
        "with shelf._locked():\n"
        "    if os.fork() == 0:\n"
        "        signal.alarm(20)\n"
        "        signal.pause()\n"
        "signal.alarm(10)\n"  # which ends it, should it wait for the lock
        "shelf.activate(shelf.active())\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(root)], check=False).returncode == 0


def test_the_gate_keeps_a_worse_model_on_the_shelf(shelf: Shelf, tmp_path: Path) -> None:
    good, worse, better = (
        shelf.add(save_to(tmp_path / str(seed), seed, frechet=distance)).model_id
        for seed, distance in ((1, 10.0), (2, 20.0), (3, 5.0))
    )
    assert shelf.activate_unless_worse(good).accepted  # the embedded one has no scores
    refused = shelf.activate_unless_worse(worse)
    assert (refused.accepted, shelf.active()) == (False, good)
    assert "frechet 20.00 against 10.00" in refused.reason
    assert shelf.folder(worse)
    assert shelf.activate_unless_worse(better).accepted
    assert (shelf.active(), shelf.previous()) == (better, good)


def test_an_active_model_that_cannot_be_read_keeps_nobody_out(shelf: Shelf, root: Path, tmp_path: Path) -> None:
    active, new = (shelf.add(save_to(tmp_path / str(seed), seed, frechet=seed)).model_id for seed in (1, 2))
    shelf.activate(active)
    (root / active / CARD).write_text("{")
    verdict = shelf.activate_unless_worse(new)
    assert verdict.accepted
    assert "cannot be read" in verdict.reason
    assert shelf.active() == new


def save_to(folder: Path, seed: int, **scores: float) -> Path:
    save_tiny(folder, seed, scores=score_sheet(**scores) if scores else None)
    return folder
