"""Imported data sets as the trainer loads them."""

from pathlib import Path

import numpy as np
import pytest

from core.card import read_card
from core.dataset_card import CARD, IMAGES, LABELS, DatasetCard
from tests.imported import colourful, write_imported
from tests.tiny import flip_byte, tiny_recipe
from tests.worker.training.running import last_checkpoint, run
from worker.training.data import load_dataset
from worker.training.errors import BadData

IMAGES_ALL = colourful(20)
ALL_LABELS = [0] * 9 + [1, 1, 1] + [2] * 4 + [0, 1, 2, 2]
NAMES = ("bag", "boot", "coat")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own"


@pytest.fixture
def card(folder: Path) -> DatasetCard:
    return write_imported(folder, IMAGES_ALL, ALL_LABELS, NAMES, train=16)


def test_training_and_test_images_are_apart(folder: Path, card: DatasetCard) -> None:
    dataset = load_dataset(folder, classes=3)
    assert np.array_equal(dataset.images, IMAGES_ALL[:16])
    assert dataset.labels is not None
    assert dataset.labels.tolist() == ALL_LABELS[:16]
    assert dataset.shape == card.image_shape
    assert dataset.test is not None
    assert np.array_equal(dataset.test.images, IMAGES_ALL[16:])
    assert dataset.test.labels is not None
    assert dataset.test.labels.tolist() == ALL_LABELS[16:]
    again = load_dataset(folder, classes=3, split="t10k")
    assert np.array_equal(again.images, IMAGES_ALL[16:])


def test_names_and_shares_of_classes_come_with_it(folder: Path, card: DatasetCard) -> None:
    dataset = load_dataset(folder, classes=3)
    assert dataset.class_names == NAMES
    assert dataset.class_shares == (9 / 16, 3 / 16, 4 / 16)
    unconditional = load_dataset(folder)
    assert (unconditional.labels, unconditional.class_names, unconditional.class_shares) == (None, NAMES, None)


def test_it_is_the_same_data_set_whatever_of_it_is_loaded(folder: Path, card: DatasetCard) -> None:
    digests = {load_dataset(folder, n, classes).sha256 for n in (None, 10) for classes in (0, 3)}
    assert digests == {card.sha256}


def test_the_first_images_alone_leave_classes_out(folder: Path, card: DatasetCard) -> None:
    dataset = load_dataset(folder, 12, classes=3)
    assert len(dataset) == 12
    assert dataset.left_out == {2}
    assert dataset.class_shares == (0.75, 0.25, 0.0)
    with pytest.raises(BadData, match=f"{IMAGES}: holds 16 images; the recipe asks for num_images=17"):
        load_dataset(folder, 17)


@pytest.mark.parametrize("classes", [1, 2, 4])
def test_it_has_all_its_classes_or_none(folder: Path, card: DatasetCard, classes: int) -> None:
    with pytest.raises(BadData, match="has 3 classes; allowed: classes=0 or 3"):
        load_dataset(folder, classes=classes)


def test_images_without_labels_have_no_classes(folder: Path) -> None:
    write_imported(folder, IMAGES_ALL)
    dataset = load_dataset(folder)
    assert (dataset.labels, dataset.class_names, dataset.class_shares, dataset.test) == (None, None, None, None)
    with pytest.raises(BadData, match="has no classes; allowed: classes=0"):
        load_dataset(folder, classes=3)
    with pytest.raises(BadData, match="has no test images"):
        load_dataset(folder, split="t10k")


@pytest.mark.parametrize("file", [IMAGES, LABELS])
def test_an_altered_file_is_found(folder: Path, card: DatasetCard, file: str) -> None:
    flip_byte(folder / file, -1)
    with pytest.raises(BadData, match="altered: its images or labels"):
        load_dataset(folder)


@pytest.mark.parametrize("file", [IMAGES, LABELS])
def test_a_deleted_data_set_is_not_trained_on(folder: Path, card: DatasetCard, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BadData, match=f"{file}: cannot be opened"):
        load_dataset(folder)


def test_a_card_that_is_none_is_told(folder: Path, card: DatasetCard) -> None:
    (folder / CARD).write_text("{}")
    with pytest.raises(BadData, match="not the card of a data set"):
        load_dataset(folder)


def test_reading_leaves_the_files_alone(folder: Path, card: DatasetCard) -> None:
    load_dataset(folder).images.zero_()
    assert np.array_equal(load_dataset(folder).images, IMAGES_ALL[:16])


def test_a_model_of_it_says_its_shape_its_classes_and_their_shares(
    tmp_path: Path, folder: Path, card: DatasetCard
) -> None:
    run(tiny_recipe(dataset="own", classes=3, epochs=1), tmp_path, tmp_path / "run")
    of_model = read_card(last_checkpoint(tmp_path / "run"))
    assert of_model.image_shape == card.image_shape
    assert of_model.dataset_sha256 == card.sha256
    assert of_model.class_names == list(NAMES)
    assert of_model.class_shares == [9 / 16, 3 / 16, 4 / 16]
