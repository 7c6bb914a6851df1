"""Which images become a data set: blank ones, repeats, and those of both splits do not."""

from pathlib import Path

import numpy as np
import pytest

from tests.worker.importing.assembling import Outcome, made_of, many, noise, raw
from worker.importing.raw import RawImage, Split


def test_blank_images_are_dropped(tmp_path: Path) -> None:
    blank = raw(np.full((16, 16, 1), 7, np.uint8), "blank.png")
    outcome = made_of(tmp_path / "out", [blank, *many(20)])
    assert outcome.codes_of("blank.png") == ["blank"]
    assert len(outcome.made.images) == 20


def test_blank_images_alone_are_no_data_set(tmp_path: Path) -> None:
    items = [raw(np.full((16, 16, 1), k, np.uint8), str(k)) for k in range(30)]
    assert made_of(tmp_path / "out", items).report.rejected == "0 images are left to train on; allowed: 16 or more"


def test_of_equal_images_one_stays_and_the_warning_says_how_many_do_not(tmp_path: Path) -> None:
    outcome = made_of(tmp_path / "out", [*many(20), raw(noise((16, 16, 1), 3), "again.png")])
    assert len(outcome.made.images) == 20
    assert [(one.file, one.detail) for one in outcome.problems] == [("again.png", "has the same pixels as 0-3.png")]
    assert outcome.warning("duplicates") is not None


def test_equal_images_with_two_labels_are_said_and_the_order_does_not_choose(tmp_path: Path) -> None:
    items = many(40, classes=2)
    again = raw(noise((16, 16, 1), 3), "again.png", label=0)  # the other is of class 1
    first, last = made_of(tmp_path / "1", [again, *items]), made_of(tmp_path / "2", [*items, again])
    assert first.dataset_id == last.dataset_id
    assert "which has another label: 0, not 1" in first.problems[0].detail


def in_splits(train: list[RawImage], test: list[RawImage]) -> list[RawImage]:
    parts: list[tuple[list[RawImage], Split]] = [(train, "train"), (test, "test")]
    return [RawImage(item.file, item.pixels, item.label, split, item.mode) for items, split in parts for item in items]


def test_the_split_of_the_source_is_kept(tmp_path: Path) -> None:
    made = made_of(tmp_path / "out", in_splits(many(30), many(10, seed=1))).made
    assert (made.card.train, made.card.test) == (30, 10)


@pytest.mark.parametrize("changed_by", [0, 1])
def test_a_test_image_that_is_trained_on_is_left_out(tmp_path: Path, changed_by: int) -> None:
    pixels = noise((16, 16, 1), 3)
    pixels[8, 8] ^= changed_by  # a bit of one pixel
    outcome = made_of(tmp_path / "out", in_splits(many(30), [*many(10, seed=1), raw(pixels, "both.png")]))
    assert outcome.codes_of("both.png") == ["in-both-splits"]
    assert (outcome.made.card.train, outcome.made.card.test) == (30, 10)


@pytest.mark.parametrize(("images", "test"), [(20, 2), (499, 50), (500, 50), (1000, 100)])
def test_a_tenth_is_set_apart_where_the_source_has_no_split(tmp_path: Path, images: int, test: int) -> None:
    made = made_of(tmp_path / "out", many(images)).made
    assert (made.card.train, made.card.test) == (images - test, test)


def test_a_source_of_test_images_alone_is_split_like_any(tmp_path: Path) -> None:
    made = made_of(tmp_path / "out", in_splits([], many(30))).made
    assert (made.card.train, made.card.test) == (27, 3)


def test_a_split_with_hardly_any_training_images_is_refused(tmp_path: Path) -> None:
    outcome = made_of(tmp_path / "out", in_splits(many(3), many(30, seed=1)))
    assert outcome.report.rejected == "3 images are left to train on; allowed: 14 or more"


def test_all_images_are_trained_on_when_asked_for(tmp_path: Path) -> None:
    made = made_of(tmp_path / "out", in_splits(many(20), many(10, seed=1)), split="none").made
    assert (made.card.train, made.card.test) == (30, 0)


def test_a_tenth_holds_no_image_that_is_nearly_trained_on(tmp_path: Path) -> None:
    near = []
    for k in range(60):
        pixels = noise((16, 16, 1), k)
        pixels[0, 0] ^= 1
        near.append(raw(pixels, f"near-{k}"))
    outcome = made_of(tmp_path / "out", [*many(100), *near])
    assert outcome.report.problems["near-duplicate"] == 60
    assert outcome.warning("near-duplicates") is not None
    made = outcome.made
    train = made.images[made.train].astype(int)
    assert len(made.images[made.test]) == 16
    assert min(np.abs(train - image).sum(axis=(1, 2, 3)).min() for image in made.images[made.test]) > 1


def test_each_class_is_trained_on(tmp_path: Path) -> None:
    items = [*many(300), raw(noise((16, 16, 1), 9999), "rare.png", "rare")]
    labelled = [RawImage(one.file, one.pixels, one.label or "usual", None, "L") for one in items]
    for seed in range(3):
        outcome = made_of(tmp_path / str(seed), [*labelled, *(raw(noise((16, 16, 1), 5000 + seed), "x", "usual"),)])
        assert classes(outcome)["rare"] == (1, 0)


def test_images_without_a_label_are_dropped_where_most_have_one(tmp_path: Path) -> None:
    outcome = made_of(tmp_path / "out", [*many(30, classes=2), raw(noise((16, 16, 1), 77), "bare.png")])
    assert outcome.codes_of("bare.png") == ["no-label"]
    assert sum(train + test for train, test in classes(outcome).values()) == 30


def test_a_test_image_of_a_class_that_is_not_trained_on_is_dropped(tmp_path: Path) -> None:
    items = in_splits(many(30, classes=2), [*many(10, classes=2, seed=1), raw(noise((16, 16, 1), 77), "new.png", 2)])
    outcome = made_of(tmp_path / "out", items)
    assert outcome.codes_of("new.png") == ["bad-label"]
    assert list(classes(outcome)) == ["0", "1"]


@pytest.mark.parametrize(
    ("count", "classes", "kinds"),
    [
        (40, 0, {"few-images"}),
        (800, 10, {"few-images"}),
        (60, 2, {"few-images", "small-classes"}),
        (2300, 0, set()),
    ],
)
def test_few_images_are_warned_of(tmp_path: Path, count: int, classes: int, kinds: set[str]) -> None:
    outcome = made_of(tmp_path / "out", many(count, classes=classes))
    assert {warning.kind for warning in outcome.report.warnings} == kinds
    few = outcome.warning("few-images")
    assert few is None or ("repeat your images" in few.detail) == (count < 100)


def test_uneven_classes_are_warned_of(tmp_path: Path) -> None:
    items = [raw(noise((16, 16, 1), k), str(k), "rare" if k < 55 else "usual") for k in range(1000)]
    warning = made_of(tmp_path / "out", items).warning("uneven-classes")
    assert warning is not None
    assert warning.detail.startswith("'usual' has ")


def classes(outcome: Outcome) -> dict[str, tuple[int, int]]:
    return {one.name: (one.train, one.test) for one in outcome.report.classes or []}
