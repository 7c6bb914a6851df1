"""From the images of a source to a data set."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from core.dataset_arrays import dataset_digest
from core.import_report import FileProblem
from core.import_vocabulary import ImportPhase, ProblemCode
from tests.worker.importing.assembling import Listed, made_of, many, noise, raw


def test_the_data_set_is_what_its_card_says_and_its_id_is_its_digest(tmp_path: Path) -> None:
    outcome = made_of(tmp_path / "out", many(40, classes=3))
    made = outcome.made
    assert (made.card.train, made.card.test, made.card.name) == (36, 4, "mine")
    assert made.card.class_names == ["0", "1", "2"]
    shape, names = made.card.image_shape, made.card.class_names
    assert made.card.sha256 == dataset_digest(shape, made.card.train, names, made.images, made.labels)
    assert outcome.dataset_id == made.card.dataset_id
    assert [sum(one.train for one in made.card.classes or []), sum(one.test for one in made.card.classes or [])] == [
        36,
        4,
    ]


def test_every_image_has_kept_its_label(tmp_path: Path) -> None:
    items = many(40, classes=3)
    label_of = {
        sha256(item.pixels.tobytes()).digest(): item.label for item in items if not isinstance(item, FileProblem)
    }
    made = made_of(tmp_path / "out", items).made
    assert made.labels is not None
    assert [label_of[sha256(image.tobytes()).digest()] for image in made.images] == made.labels.tolist()


def test_the_order_in_which_images_came_changes_nothing(tmp_path: Path) -> None:
    items = many(60, classes=3)
    ids = {made_of(tmp_path / str(k), order).dataset_id for k, order in enumerate((items, items[::-1]))}
    assert len(ids) == 1


def test_each_split_is_in_the_order_of_the_digests(tmp_path: Path) -> None:
    made = made_of(tmp_path / "out", many(60)).made
    for part in (made.train, made.test):
        digests = [sha256(image.tobytes()).digest() for image in made.images[part]]
        assert digests == sorted(digests)


def test_a_dry_run_has_the_same_report_and_id_and_leaves_no_data_set(tmp_path: Path) -> None:
    real, dry = (made_of(tmp_path / str(dry), many(40, classes=2), dry_run=dry) for dry in (False, True))
    assert dry.report == real.report
    assert dry.dataset_id == real.dataset_id
    assert {path.name for path in (tmp_path / "True").iterdir()} == {"report.json", "problems.jsonl"}


def test_the_problems_of_the_source_are_kept_and_counted(tmp_path: Path) -> None:
    bad = FileProblem(file="b.txt", code=ProblemCode.JUNK, detail="is text", action="dropped")
    outcome = made_of(tmp_path / "out", [bad, *many(20)])
    assert outcome.problems == [bad]
    assert outcome.report.problems == {"junk": 1}
    assert (tmp_path / "out" / "dataset" / "problems.jsonl").read_bytes() == (
        tmp_path / "out" / "problems.jsonl"
    ).read_bytes()


@pytest.mark.parametrize(
    ("code", "rejected"), [(ProblemCode.TRUNCATED, True), (ProblemCode.LINK, False), (ProblemCode.JUNK, False)]
)
def test_too_many_bad_files_are_refused_but_links_and_junk_are_no_bad_files(
    tmp_path: Path, code: ProblemCode, rejected: bool
) -> None:
    bad = [FileProblem(file=f"{k}", code=code, detail="", action="dropped") for k in range(6)]
    outcome = made_of(tmp_path / "out", [*bad, *many(20)])
    assert (outcome.report.rejected is not None) is rejected
    assert not rejected or "6 of 26 files" in str(outcome.report.rejected)


@pytest.mark.parametrize("count", [0, 15])
def test_too_few_images_are_refused(tmp_path: Path, count: int) -> None:
    outcome = made_of(tmp_path / "out", many(count))
    assert outcome.report.rejected is not None
    assert "allowed: 16 or more" in outcome.report.rejected or "no image" in outcome.report.rejected


def test_the_report_tells_sizes_and_modes(tmp_path: Path) -> None:
    items = [*many(30), *(raw(noise((20, 24, 3), k), f"{k}", mode="RGB") for k in range(2))]
    report = made_of(tmp_path / "out", items).report
    assert [(size.width, size.height, size.images) for size in report.sizes] == [(16, 16, 30), (24, 20, 2)]
    assert report.modes == {"L": 30, "RGB": 2}


def test_images_of_another_shape_are_named(tmp_path: Path) -> None:
    items = [*many(30), raw(noise((20, 24, 1)), "odd.png"), raw(noise((12, 12, 1)), "small.png")]
    outcome = made_of(tmp_path / "out", items)
    assert outcome.codes_of("odd.png") == ["not-square", "odd-size"]
    assert outcome.codes_of("small.png") == ["odd-size", "upscaled"]
    assert outcome.warning("upscaled") is None


def test_a_set_of_small_images_is_warned_of(tmp_path: Path) -> None:
    warning = made_of(tmp_path / "out", many(30, (8, 8, 1))).warning("upscaled")
    assert warning is not None
    assert warning.detail.startswith("30 of 30 images are smaller than 16 pixels")


def test_what_it_is_doing_is_told_in_order(tmp_path: Path) -> None:
    outcome = made_of(tmp_path / "out", Listed(many(300), total=300))
    assert list(dict.fromkeys(one.phase for one in outcome.told)) == [
        ImportPhase.READING,
        ImportPhase.COMPARING,
        ImportPhase.WRITING,
    ]
    assert (outcome.told[-1].done, outcome.told[-1].total) == (300, 300)


def test_black_and_white_are_exchanged_when_asked_for(tmp_path: Path) -> None:
    items = many(20)
    plain, inverted = (made_of(tmp_path / str(k), items, invert=k).made.images for k in (False, True))
    assert sorted(image.tobytes() for image in plain) == sorted((255 - image).tobytes() for image in inverted)


def test_rows_become_columns_when_asked_for(tmp_path: Path) -> None:
    items = many(20)
    plain, turned = (made_of(tmp_path / str(k), items, transpose=k).made.images for k in (False, True))
    assert sorted(image.tobytes() for image in plain) == sorted(image.swapaxes(0, 1).tobytes() for image in turned)


@pytest.mark.parametrize(("ground", "ink", "warned"), [(255, 0, True), (0, 255, False)])
def test_dark_images_on_a_bright_ground_are_warned_of(tmp_path: Path, ground: int, ink: int, warned: bool) -> None:
    items = []
    for k in range(30):
        pixels = np.full((16, 16, 1), ground, np.uint8)
        pixels[4:12, 4:12] = np.where(noise((8, 8, 1), k) > 128, ink, ground)
        items.append(raw(pixels, str(k)))
    outcome = made_of(tmp_path / "out", items)
    assert (outcome.warning("black-on-white") is not None) is warned
    assert made_of(tmp_path / "inverted", items, invert=True).warning("black-on-white") is None
