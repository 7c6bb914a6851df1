"""The list of a shelf: in pages, and without reading each card again."""

import os
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

import pytest

from core.card import Card
from core.errors import ModelNotFound
from models.shelf import Shelf
from tests.models.shelves import OpenShelf
from tests.tiny import save_tiny


@pytest.fixture
def shelf(open_shelf: OpenShelf, tmp_path: Path) -> Shelf:
    save_tiny(tmp_path / "embedded", seed=100, created_at=datetime(2025, 1, 1, tzinfo=UTC))
    return open_shelf(tmp_path / "shelf", tmp_path / "embedded")


@pytest.fixture
def read(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the cards that the index reads."""
    ids: list[str] = []
    index_card = shelf._index._card

    def card(model_id: str) -> Card:
        ids.append(model_id)
        return index_card(model_id)

    monkeypatch.setattr(shelf._index, "_card", card)
    return ids


def add(shelf: Shelf, folder: Path, seed: int) -> str:
    save_tiny(folder / str(seed), seed, datetime(2026, 2, seed, tzinfo=UTC))
    return shelf.add(folder / str(seed)).model_id


def settle(root: Path) -> None:
    """Let the folder have changed long ago."""
    os.utime(root, ns=(0, root.stat().st_mtime_ns - 10**9))


def test_pages_hold_all_models_once_and_in_their_order(shelf: Shelf, tmp_path: Path) -> None:
    ids = [add(shelf, tmp_path, seed) for seed in range(1, 8)]
    expected = [*reversed(ids), shelf.active()]
    for limit in (1, 3, 8, 9):
        found: list[str] = []
        while page := shelf.cards(limit, found[-1] if found else None):
            assert len(page) <= limit
            found += [card.model_id for card in page]
        assert found == expected


def test_there_is_no_page_behind_a_model_that_is_not_there(shelf: Shelf) -> None:
    with pytest.raises(ModelNotFound, match="no model 'f00'"):
        shelf.cards(3, "f00")


def test_a_card_is_read_once_and_that_of_a_new_model_too(shelf: Shelf, read: list[str], tmp_path: Path) -> None:
    first = add(shelf, tmp_path, 1)
    shelf.entries()
    assert sorted(read) == sorted([first, shelf.active()])
    settle(tmp_path / "shelf")
    for _ in range(3):
        assert len(shelf.entries()) == 2
    second = add(shelf, tmp_path, 2)
    assert [entry.model_id for entry in shelf.entries()] == [second, first, shelf.active()]
    assert read[2:] == [second]


def test_a_model_that_is_gone_is_not_listed(shelf: Shelf, tmp_path: Path) -> None:
    first, second = add(shelf, tmp_path, 1), add(shelf, tmp_path, 2)
    settle(tmp_path / "shelf")
    assert len(shelf.entries()) == 3
    rmtree(tmp_path / "shelf" / first)
    assert [entry.model_id for entry in shelf.entries()] == [second, shelf.active()]


def test_what_changes_within_a_tick_of_the_folders_clock_is_seen(shelf: Shelf, tmp_path: Path) -> None:
    root = tmp_path / "shelf"
    first = add(shelf, tmp_path, 1)
    assert len(shelf.entries()) == 2
    changed_ns = root.stat().st_mtime_ns
    second = add(shelf, tmp_path, 2)
    os.utime(root, ns=(changed_ns, changed_ns))
    assert [entry.model_id for entry in shelf.entries()] == [second, first, shelf.active()]
