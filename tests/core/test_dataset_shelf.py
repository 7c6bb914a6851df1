"""Data sets on the shelf: added whole, named, deleted, and brought back."""

from pathlib import Path

import numpy as np
import pytest

from core.dataset_arrays import open_dataset
from core.dataset_shelf import DatasetShelf
from core.errors import DatasetNotFound, ShelfBusy
from core.files import TEMPORARY_PREFIX
from tests.imported import write_imported
from tests.tiny import digit_like


@pytest.fixture
def shelf(tmp_path: Path) -> DatasetShelf:
    return DatasetShelf(tmp_path / "datasets")


def add(shelf: DatasetShelf, made: Path, seed: int = 0, name: str = "own") -> str:
    card = write_imported(made, digit_like(20, seed)[..., np.newaxis], name=name)
    with shelf.changing():
        shelf.add(made, card.dataset_id)
        shelf.point(name, card.dataset_id)
    return card.dataset_id


def delete(shelf: DatasetShelf, dataset_id: str) -> None:
    with shelf.changing():
        shelf.delete(dataset_id)


def test_a_data_set_is_added_and_found_by_name_and_id(shelf: DatasetShelf, tmp_path: Path) -> None:
    assert (shelf.ids(), shelf.names()) == ([], {})
    dataset_id = add(shelf, tmp_path / "made")
    assert shelf.ids() == [shelf.find("own")] == [shelf.find(dataset_id)] == [dataset_id]
    assert len(open_dataset(shelf.folder(dataset_id)).images) == 20
    assert not list(tmp_path.rglob(f"{TEMPORARY_PREFIX}*"))


def test_what_is_there_stays_as_it_is(shelf: DatasetShelf, tmp_path: Path) -> None:
    dataset_id = add(shelf, tmp_path / "made")
    before = {path.name: path.stat().st_ino for path in shelf.folder(dataset_id).iterdir()}
    assert add(shelf, tmp_path / "again", name="again") == dataset_id
    assert {path.name: path.stat().st_ino for path in shelf.folder(dataset_id).iterdir()} == before
    assert shelf.names() == {"own": dataset_id, "again": dataset_id}


def test_a_deleted_data_set_keeps_its_card_and_can_come_back(shelf: DatasetShelf, tmp_path: Path) -> None:
    dataset_id = add(shelf, tmp_path / "made")
    delete(shelf, dataset_id)
    with pytest.raises(DatasetNotFound, match="GET /datasets lists"):
        shelf.find("own")
    assert (shelf.find(dataset_id), shelf.has_images(dataset_id)) == (dataset_id, False)
    assert shelf.card(dataset_id).name == "own"
    assert add(shelf, tmp_path / "again", name="other") == dataset_id
    assert shelf.has_images(shelf.find("other"))
    assert shelf.card(dataset_id).name == "own"  # as its models have it


def test_a_shelf_that_somebody_changes_for_seconds_is_busy(
    shelf: DatasetShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.locks.LOCK_S", 0.1)
    dataset_id = add(shelf, tmp_path / "made")
    with shelf.changing():
        with pytest.raises(ShelfBusy, match="changing the data sets"):
            delete(shelf, dataset_id)
        assert shelf.find("own") == dataset_id, "reading needs no lock"
    delete(shelf, dataset_id)


def test_any_number_keep_the_data_sets_at_once_and_nobody_changes_them_meanwhile(
    shelf: DatasetShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.locks.LOCK_S", 0.1)
    dataset_id = add(shelf, tmp_path / "made")
    with shelf.keeping(), shelf.keeping(), pytest.raises(ShelfBusy):
        delete(shelf, dataset_id)
    with shelf.changing(), pytest.raises(ShelfBusy), shelf.keeping():
        pass
