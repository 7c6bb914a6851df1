"""Data sets on the shelf: added whole, named, deleted, and brought back."""

from pathlib import Path

import numpy as np
import pytest

from core.dataset_arrays import open_dataset
from core.dataset_shelf import Committed, DatasetShelf
from core.errors import DatasetDeleted, DatasetNotFound, ShelfBusy
from core.files import TEMPORARY_PREFIX
from objects.files import FileStore
from sharing.datasets import SharedDatasets
from tests.imported import write_imported
from tests.tiny import digit_like


@pytest.fixture
def shelf_of_files(tmp_path: Path) -> DatasetShelf:
    return DatasetShelf(tmp_path / "datasets")


@pytest.fixture(params=["files", "store"])
def shelf(shelf_of_files: DatasetShelf, tmp_path: Path, request: pytest.FixtureRequest) -> DatasetShelf:
    if request.param == "files":
        return shelf_of_files
    return SharedDatasets(tmp_path / "datasets", FileStore(tmp_path / "store"))


def add(shelf: DatasetShelf, made: Path, seed: int = 0, name: str = "own") -> str:
    card = write_imported(made, digit_like(20, seed)[..., np.newaxis], name=name)
    with shelf.changing():
        shelf.add(made, card.dataset_id)
        shelf.point(name, card.dataset_id)
    return card.dataset_id


def imported(shelf: DatasetShelf, made: Path, seed: int, name: str = "own") -> Committed:
    """What an import has made and offered, before it is published."""
    dataset_id = write_imported(made, digit_like(20, seed)[..., np.newaxis], name=name).dataset_id
    shelf.offer(f"job-{seed}/1", dataset_id, made)
    return Committed(f"job-{seed}/1", name, dataset_id, made)


def delete(shelf: DatasetShelf, dataset_id: str) -> None:
    with shelf.changing():
        shelf.delete(dataset_id)


def test_a_data_set_is_added_and_found_by_name_and_id(shelf: DatasetShelf, tmp_path: Path) -> None:
    assert (shelf.ids(), shelf.names()) == ([], {})
    dataset_id = add(shelf, tmp_path / "made")
    assert shelf.ids() == [shelf.find("own")] == [shelf.find(dataset_id)] == [dataset_id]
    assert len(open_dataset(shelf.folder(dataset_id)).images) == 20
    assert not list(tmp_path.rglob(f"{TEMPORARY_PREFIX}*"))


def test_an_import_is_published_once_and_no_later_one_of_its_name_is_overruled(
    shelf: DatasetShelf, tmp_path: Path
) -> None:
    frozen, later = (imported(shelf, tmp_path / f"made-{seed}", seed) for seed in (1, 2))
    shelf.publish(lambda: frozen)
    assert shelf.names() == {"own": frozen.dataset_id}
    assert not frozen.made.exists()
    shelf.publish(lambda: later)
    shelf.publish(lambda: frozen)
    assert shelf.names() == {"own": later.dataset_id}
    shelf.publish(lambda: None)
    assert set(shelf.ids()) == {frozen.dataset_id, later.dataset_id}
    assert len(open_dataset(shelf.folder(frozen.dataset_id)).images) == 20


def test_a_data_set_with_users_is_not_deleted(shelf: DatasetShelf, tmp_path: Path) -> None:
    dataset_id = add(shelf, tmp_path / "made")
    assert shelf.delete_unless(dataset_id, lambda: ["job"]) == ["job"]
    assert shelf.has_images(shelf.find("own"))
    with shelf.keeping(dataset_id):
        pass
    assert shelf.delete_unless(dataset_id, list) == []
    assert not shelf.has_images(dataset_id)
    for call in (shelf.fetch, lambda one: shelf.keeping(one).__enter__()):
        with pytest.raises(DatasetDeleted, match="its images are gone"):
            call(dataset_id)


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
    shelf_of_files: DatasetShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.locks.LOCK_S", 0.1)
    dataset_id = add(shelf_of_files, tmp_path / "made")
    with shelf_of_files.changing():
        with pytest.raises(ShelfBusy, match="changing the data sets"):
            delete(shelf_of_files, dataset_id)
        assert shelf_of_files.find("own") == dataset_id, "reading needs no lock"
    delete(shelf_of_files, dataset_id)


def test_any_number_keep_the_data_sets_at_once_and_nobody_changes_them_meanwhile(
    shelf_of_files: DatasetShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.locks.LOCK_S", 0.1)
    dataset_id = add(shelf_of_files, tmp_path / "made")
    with shelf_of_files.keeping(dataset_id), shelf_of_files.keeping(dataset_id), pytest.raises(ShelfBusy):
        delete(shelf_of_files, dataset_id)
    with shelf_of_files.changing(), pytest.raises(ShelfBusy), shelf_of_files.keeping(dataset_id):
        pass
