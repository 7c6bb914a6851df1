"""IDX files, with the faults that they really have."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.worker.importing.archives import tarred, zipped
from tests.worker.importing.array_files import expected, idx, images, imported, label_of, labels, mnist
from tests.worker.importing.assembling import noise


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_images_alone_is_a_data_set_without_classes(tmp_path: Path, packed: bool) -> None:
    data = idx(images(30))
    outcome = imported(tmp_path, gzip.compress(data) if packed else data)
    assert outcome.made.images.shape == (30, 16, 16, 1)
    assert outcome.report.classes is None
    assert (outcome.report.source.format, outcome.report.modes) == ("zip", {"uint8": 30})


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_images_labels_and_splits_find_each_other(tmp_path: Path, form: str) -> None:
    files = mnist()
    outcome = imported(tmp_path, zipped(files) if form == "zip" else tarred(files, "gz"))
    assert (outcome.made.card.train, outcome.made.card.test) == (40, 20)
    both = expected(images(40), labels(40)) | expected(images(20, 1), labels(20))
    assert label_of(outcome) == both
    assert outcome.problems == []


def test_names_are_not_trusted(tmp_path: Path) -> None:
    files = {
        "b": idx(labels(40)),
        "c": idx(images(20, 1)),
        "a": idx(images(40)),
        "d.txt": gzip.compress(idx(labels(20))),
    }
    outcome = imported(tmp_path, zipped(files))
    assert (outcome.made.card.train, outcome.made.card.test) == (40, 20)
    assert "The smaller file, c, was taken for the test images." in outcome.report.notes
    assert label_of(outcome) == expected(images(40), labels(40)) | expected(images(20, 1), labels(20))


def test_the_names_that_7_zip_gives_are_understood(tmp_path: Path) -> None:
    files = {name.removesuffix(".gz").replace("-idx", ".idx"): gzip.decompress(data) for name, data in mnist().items()}
    assert "t10k-images.idx3-ubyte" in files
    assert imported(tmp_path, zipped(files)).made.card.test == 20


def test_an_html_page_under_the_name_of_a_file_is_named(tmp_path: Path) -> None:
    files = mnist() | {"t10k-images-idx3-ubyte.gz": b"<html>404 Not Found</html>"}
    outcome = imported(tmp_path, zipped(files))
    assert outcome.codes_of("t10k-images-idx3-ubyte.gz") == ["not-an-image"]
    assert "this is an HTML page" in outcome.problems[0].detail
    assert outcome.report.train + outcome.report.test == 40


@pytest.mark.parametrize(("missing", "rejected"), [(3, False), (20, True)])
def test_of_a_truncated_file_the_whole_images_are_taken_if_they_are_most(
    tmp_path: Path, missing: int, rejected: bool
) -> None:
    files = {"train-images": idx(images(40))[: -missing * 256 + 1], "train-labels": idx(labels(40))}
    outcome = imported(tmp_path, zipped(files))
    assert outcome.codes_of("train-images") == ["truncated"]
    assert (outcome.report.rejected is not None) is rejected
    if not rejected:
        assert label_of(outcome) == expected(images(40)[: 40 - missing], labels(40)[: 40 - missing])


def test_a_gzip_that_ends_too_early_is_named(tmp_path: Path) -> None:
    files = mnist()
    files["train-labels-idx1-ubyte.gz"] = files["train-labels-idx1-ubyte.gz"][:-9]
    outcome = imported(tmp_path, zipped(files))
    assert outcome.codes_of("train-labels-idx1-ubyte.gz") == ["truncated"]


@pytest.mark.parametrize("shape", [(2**32 - 1, 28, 28), (2**31, 2**31, 2**31), (0, 28, 28), (40, 0, 28)])
def test_a_header_that_lies_about_sizes_costs_nothing(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = bytes([0, 0, 8, 3]) + np.array(shape, ">u4").tobytes() + images(20).tobytes()
    assert "no images" in str(imported(tmp_path, data).report.rejected)


def test_labels_from_1_become_class_numbers_and_keep_their_names(tmp_path: Path) -> None:
    outcome = imported(tmp_path, zipped(mnist(first=1)))
    assert outcome.made.card.class_names == ["1", "2", "3", "4"]
    assert any(note.startswith("Labels became class numbers from 0 to 3: 1 is 0") for note in outcome.report.notes)


def test_emnist_is_warned_of_unless_it_is_turned(tmp_path: Path) -> None:
    files = {f"emnist-letters-{name}": data for name, data in mnist(first=1).items()}
    warning = imported(tmp_path / "1", zipped(files)).warning("transposed")
    assert warning is not None
    assert warning.hint == "Ask for transpose=true to have them upright."
    assert imported(tmp_path / "2", zipped(files), transpose=True).warning("transposed") is None
    assert imported(tmp_path / "3", zipped(mnist())).warning("transposed") is None


def test_of_several_data_sets_the_largest_is_taken_and_it_is_said(tmp_path: Path) -> None:
    files = {f"emnist-letters-{name}": data for name, data in mnist(50).items()}
    files |= {f"emnist-digits-{name}": data for name, data in mnist(30).items()}
    outcome = imported(tmp_path, zipped(files))
    assert (outcome.report.train, outcome.report.test) == (50, 20)
    assert outcome.report.notes[0].startswith("2 data sets came: emnist letters")


def test_the_characters_of_emnist_are_the_names_of_its_classes(tmp_path: Path) -> None:
    files = {f"emnist-letters-{name}": data for name, data in mnist(first=1).items()}
    files["emnist-letters-mapping.txt"] = b"1 65 97\n2 66 98\n3 67 99\n4 68 100\n"
    assert imported(tmp_path, zipped(files)).made.card.class_names == ["A", "B", "C", "D"]


def test_names_of_classes_come_from_a_text_file(tmp_path: Path) -> None:
    files = mnist() | {"classes.txt": b"T-shirt\nTrouser\nPullover\nDress\n", "README.txt": b"Read me.\nPlease.\n"}
    outcome = imported(tmp_path, zipped(files))
    names = ["T-shirt", "Trouser", "Pullover", "Dress"]
    assert label_of(outcome) == {
        pixels: names[int(number)]
        for pixels, number in (expected(images(40), labels(40)) | expected(images(20, 1), labels(20))).items()
    }


def test_qmnist_has_its_class_in_the_first_of_eight_columns(tmp_path: Path) -> None:
    columns = noise((40, 8), 5).astype("i4") * 1000
    columns[:, 0] = labels(40)
    outcome = imported(tmp_path, zipped({"train-images": idx(images(40)), "train-labels": idx(columns)}))
    assert label_of(outcome) == expected(images(40), labels(40))


def test_images_without_as_many_labels_have_none_and_it_is_said(tmp_path: Path) -> None:
    outcome = imported(tmp_path, zipped({"images": idx(images(40)), "labels": idx(labels(39))}))
    assert outcome.report.classes is None
    assert outcome.report.notes[0] == "No labels for the 40 images of images; labels: labels (39)."


@pytest.mark.parametrize(("kind", "low", "high"), [("f4", 0, 1), ("f8", -1, 1), ("i2", 0, 4095), ("u1", 0, 1)])
def test_other_types_are_scaled_by_their_range_and_it_is_said(tmp_path: Path, kind: str, low: int, high: int) -> None:
    share = images(40) / 255
    outcome = imported(tmp_path, idx((share * (high - low) + low).astype(kind)))
    assert f"{low} was taken for black, {high} for white" in outcome.report.notes[0]
    assert (outcome.made.images.min(), outcome.made.images.max()) == (0, 255)


def test_colour_images_in_four_dimensions_are_read(tmp_path: Path) -> None:
    assert imported(tmp_path, idx(noise((20, 16, 16, 3)))).made.images.shape == (20, 16, 16, 3)


def test_labels_alone_are_refused(tmp_path: Path) -> None:
    assert "no images" in str(imported(tmp_path, idx(labels(40))).report.rejected)


def test_a_bomb_in_an_archive_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes([0, 0, 8, 3]) + bytes(80 * 2**20))
    assert "as bombs do" in str(imported(tmp_path, tarred({"a": bomb})).report.rejected)
