from pathlib import Path

import pytest

from core.dataset_shelf import DatasetShelf
from core.errors import DatasetNotFound
from tests.canonical import some_images, write_canonical


def test_a_shelf_without_a_folder_is_empty(tmp_path: Path) -> None:
    shelf = DatasetShelf(tmp_path / "none")
    assert (shelf.ids(), shelf.names()) == ([], {})
    with pytest.raises(DatasetNotFound, match="'icons'"):
        shelf.find("icons")


def test_a_data_set_is_found_by_name_and_by_id(tmp_path: Path) -> None:
    card = write_canonical(tmp_path, "icons")
    shelf = DatasetShelf(tmp_path)
    assert shelf.find("icons") == shelf.find(card.dataset_id) == card.dataset_id
    assert shelf.card(card.dataset_id) == card
    assert shelf.ids() == [card.dataset_id]


def test_a_name_points_to_the_newest_and_older_versions_stay(tmp_path: Path) -> None:
    old = write_canonical(tmp_path, "icons", some_images(40, seed=1))
    new = write_canonical(tmp_path, "icons", some_images(40, seed=2))
    shelf = DatasetShelf(tmp_path)
    assert shelf.names() == {"icons": new.dataset_id}
    assert shelf.find(old.dataset_id) == old.dataset_id
    assert set(shelf.ids()) == {old.dataset_id, new.dataset_id}


def test_a_deleted_data_set_keeps_its_card_alone(tmp_path: Path) -> None:
    card = write_canonical(tmp_path, "icons", labels=[0, 1] * 20, class_names=["a", "b"])
    shelf = DatasetShelf(tmp_path)
    assert shelf.has_images(card.dataset_id)
    shelf.delete(card.dataset_id)
    shelf.delete(card.dataset_id)  # said again
    assert not shelf.has_images(card.dataset_id)
    assert shelf.names() == {}
    assert shelf.find(card.dataset_id) == card.dataset_id
    assert not list(shelf.folder(card.dataset_id).glob("*.npy"))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../names/icons", "names/icons", ".tmp-1", "0" * 16, "x" * 300, "a\0b"]
)
def test_what_is_no_name_finds_nothing(tmp_path: Path, name: str) -> None:
    write_canonical(tmp_path, "icons")
    with pytest.raises(DatasetNotFound):
        DatasetShelf(tmp_path).find(name)
