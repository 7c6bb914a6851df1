"""Which models are active: one of the shelf, and one of each data set."""

from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

import pytest

from core.card import CARD
from core.errors import ModelNotFound, ShelfChanged
from models.active_models import Active, ActiveModels
from models.shelf import Shelf
from tests.models.shelves import ON_FILES, OpenShelf
from tests.tiny import save_tiny, score_sheet


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


@pytest.fixture
def shelf(open_shelf: OpenShelf, tmp_path: Path, root: Path) -> Shelf:
    """Its embedded model is of the data set `tiny`."""
    save_tiny(tmp_path / "embedded", seed=100, created_at=datetime(2025, 1, 1, tzinfo=UTC))
    return open_shelf(root, tmp_path / "embedded")


@pytest.fixture
def embedded(shelf: Shelf) -> str:
    return shelf.active()


def add(shelf: Shelf, folder: Path, seed: int, dataset: str = "tiny", frechet: float | None = None) -> str:
    scores = None if frechet is None else score_sheet(frechet=frechet)
    save_tiny(folder / str(seed), seed, scores=scores, dataset=dataset)
    return shelf.add(folder / str(seed)).model_id


def test_a_data_set_without_a_model_has_no_active_one(shelf: Shelf, embedded: str) -> None:
    assert shelf.active("tiny") == embedded
    with pytest.raises(ModelNotFound, match="of the data set 'icons' is active; there is one of each of: tiny"):
        shelf.active("icons")
    assert shelf.actives() == {"tiny": embedded}


def test_what_is_made_active_is_so_of_the_shelf_and_of_its_data_set(
    shelf: Shelf, embedded: str, tmp_path: Path
) -> None:
    digits, icons = add(shelf, tmp_path, 1), add(shelf, tmp_path, 2, "icons")
    shelf.activate(digits)
    shelf.activate(icons)
    assert (shelf.active(), shelf.previous()) == (icons, digits)
    assert shelf.actives() == {"icons": icons, "tiny": digits}
    assert (shelf.previous("tiny"), shelf.previous("icons")) == (embedded, None)


def test_one_of_a_data_set_alone_leaves_the_shelfs(shelf: Shelf, embedded: str, tmp_path: Path) -> None:
    first, second = (add(shelf, tmp_path, seed, "icons") for seed in (1, 2))
    for model in (first, second):
        shelf.activate(model, overall=False)
        assert (shelf.active(), shelf.active("icons")) == (embedded, model)
    assert (shelf.previous(), shelf.previous("icons")) == (None, first)


def test_the_gate_compares_within_a_data_set(shelf: Shelf, embedded: str, tmp_path: Path) -> None:
    good = add(shelf, tmp_path, 1, frechet=2.0)
    shelf.activate(good)
    first, worse, better = (add(shelf, tmp_path, 10 + k, "icons", frechet) for k, frechet in enumerate((50, 60, 40)))
    verdict = shelf.activate_unless_worse(first)
    assert verdict == (True, "it is the first model of the data set 'icons'")
    assert not shelf.activate_unless_worse(worse).accepted
    assert shelf.active("icons") == first
    assert shelf.activate_unless_worse(better).accepted
    assert (shelf.active("icons"), shelf.previous("icons")) == (better, first)
    assert (shelf.active(), shelf.previous()) == (good, embedded)


def test_what_passes_the_gate_moves_the_shelf_where_that_shows_its_data_set(shelf: Shelf, tmp_path: Path) -> None:
    digits, icons = add(shelf, tmp_path, 1), add(shelf, tmp_path, 2, "icons", 50)
    shelf.activate(digits)
    shelf.activate(icons)
    better = add(shelf, tmp_path, 3, "icons", 40)
    assert shelf.activate_unless_worse(better).accepted
    assert (shelf.active(), shelf.active("icons"), shelf.active("tiny")) == (better, better, digits)


@ON_FILES
def test_the_file_of_an_earlier_version_is_read(shelf: Shelf, root: Path, embedded: str, tmp_path: Path) -> None:
    digits, icons = add(shelf, tmp_path, 1), add(shelf, tmp_path, 2, "icons")
    (root / "active").write_text(f"{digits}\n{embedded}\n7\n")
    assert (shelf.active(), shelf.previous(), shelf.changes()) == (digits, embedded, 7)
    assert shelf.actives() == {"tiny": digits}
    shelf.activate(icons)
    assert (shelf.active(), shelf.previous(), shelf.changes()) == (icons, digits, 8)
    assert shelf.actives() == {"icons": icons, "tiny": digits}
    for text in (digits, f"{digits}\n{embedded}\n"):
        (root / "active").write_text(text)
        assert (shelf.active(), shelf.changes()) == (digits, 0)


def test_an_earlier_version_reads_its_three_lines(shelf: Shelf, root: Path, embedded: str, tmp_path: Path) -> None:
    digits, icons = add(shelf, tmp_path, 1), add(shelf, tmp_path, 2, "icons")
    shelf.activate(icons, overall=False)
    shelf.activate(digits)
    assert (root / "active").read_text().splitlines()[:3] == [digits, embedded, "2"]


def test_a_change_of_any_data_set_is_counted(shelf: Shelf, tmp_path: Path) -> None:
    digits, icons = add(shelf, tmp_path, 1), add(shelf, tmp_path, 2, "icons")
    before = shelf.changes()
    shelf.activate(icons, before, overall=False)
    shelf.activate(icons, overall=False)  # once more changes nothing
    assert shelf.changes() == before + 1
    with pytest.raises(ShelfChanged):
        shelf.activate(digits, before)
    assert shelf.active("tiny") != digits


def test_a_model_that_is_gone_gives_its_place_back(shelf: Shelf, root: Path, embedded: str, tmp_path: Path) -> None:
    digits, icons = add(shelf, tmp_path, 1), add(shelf, tmp_path, 2, "icons")
    shelf.activate(digits)
    shelf.activate(icons, overall=False)
    for model in (digits, icons):
        rmtree(root / model)
    assert shelf.actives() == {"tiny": embedded}
    with pytest.raises(ModelNotFound):
        shelf.active("icons")


def test_a_damaged_active_model_keeps_nobody_of_its_data_set_out(shelf: Shelf, root: Path, tmp_path: Path) -> None:
    digits, icons = add(shelf, tmp_path, 1, frechet=1), add(shelf, tmp_path, 2, "icons", 1)
    shelf.activate(digits)
    shelf.activate(icons, overall=False)
    for model in (digits, icons):
        (root / model / CARD).write_text("{")
    assert shelf.activate_unless_worse(other := add(shelf, tmp_path, 3, "icons", 9)).accepted
    assert (shelf.active("icons"), shelf.active()) == (other, digits)


def test_the_cards_of_a_data_set_come_in_pages(shelf: Shelf, tmp_path: Path) -> None:
    ids = {name: {add(shelf, tmp_path, 10 * k + n, name) for n in range(3)} for k, name in enumerate(("icons", "bugs"))}
    (first, second), (third,) = shelf.cards(2, dataset="icons"), shelf.cards(1, dataset="bugs")
    assert {first.model_id, second.model_id} < ids["icons"]
    (last,) = shelf.cards(2, second.model_id, "icons")
    assert {card.model_id for card in (first, second, last)} == ids["icons"]
    assert third.model_id in ids["bugs"]


def test_the_file_says_what_it_was_told(tmp_path: Path) -> None:
    told = ActiveModels(Active("a", None), 3, {"x": Active("b", "c"), "y.z": Active("d", None)})
    told.write(tmp_path / "active")
    assert ActiveModels.read(tmp_path / "active") == told
