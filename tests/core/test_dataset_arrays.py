from pathlib import Path

import numpy as np
import pytest

from core.dataset_arrays import dataset_digest, open_dataset
from core.dataset_card import CARD, IMAGES, LABELS
from core.errors import DatasetDamaged
from core.image_shape import ImageShape
from tests.imported import colourful, write_imported

SHAPE = ImageShape(side=16, channels=3)


def test_arrays_are_mapped_and_split(tmp_path: Path) -> None:
    images = colourful(40, side=16)
    card = write_imported(tmp_path, images, [0, 1] * 20, ["a", "b"], train=30)
    opened = open_dataset(tmp_path)
    assert isinstance(opened.images, np.memmap)
    assert opened.labels is not None
    assert np.array_equal(opened.images[opened.train], images[:30])
    assert np.array_equal(opened.images[opened.test], images[30:])
    assert opened.labels.tolist() == [0, 1] * 20
    assert card.class_names == ["a", "b"]


def test_without_classes_there_are_no_labels(tmp_path: Path) -> None:
    card = write_imported(tmp_path, colourful(40, side=16))
    assert open_dataset(tmp_path).labels is None
    assert card.class_names == []


@pytest.mark.parametrize("file", [CARD, IMAGES, LABELS])
def test_a_missing_or_truncated_file_is_named(tmp_path: Path, file: str) -> None:
    write_imported(tmp_path, colourful(40, side=16), [0, 1] * 20, ["a", "b"])
    path = tmp_path / file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetDamaged, match=file):
        open_dataset(path.parent)
    path.unlink()
    with pytest.raises(DatasetDamaged, match=file):
        open_dataset(path.parent)


@pytest.mark.parametrize("wrong", [np.zeros((40, 16, 16, 1), np.uint8), np.zeros((40, 16, 16, 3), np.float32)])
def test_arrays_of_another_shape_or_type_are_refused(tmp_path: Path, wrong: np.ndarray) -> None:
    write_imported(tmp_path, colourful(40, side=16))
    np.save(tmp_path / IMAGES, wrong)
    with pytest.raises(DatasetDamaged, match="its card says uint8"):
        open_dataset(tmp_path)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    write_imported(tmp_path, colourful(40, side=16))
    np.save(tmp_path / IMAGES, np.array([{}], object), allow_pickle=True)
    with pytest.raises(DatasetDamaged, match="cannot be opened"):
        open_dataset(tmp_path)


def test_the_digest_depends_on_all_that_a_data_set_is() -> None:
    images, labels = colourful(6, side=16), np.array([0, 1, 0, 1, 0, 1], np.uint16)
    digests = {
        dataset_digest(SHAPE, 4, ["a", "b"], images, labels),
        dataset_digest(SHAPE, 5, ["a", "b"], images, labels),
        dataset_digest(SHAPE, 4, ["a", "c"], images, labels),
        dataset_digest(SHAPE, 4, ["a", "b"], images[::-1], labels),
        dataset_digest(SHAPE, 4, ["a", "b"], images, labels[::-1]),
        dataset_digest(SHAPE, 4, [], images, None),
        dataset_digest(ImageShape(side=16, channels=1), 4, ["a", "b"], images, labels),
    }
    assert len(digests) == 7
    assert dataset_digest(SHAPE, 4, ["a", "b"], images, labels.astype(">u2")) in digests
