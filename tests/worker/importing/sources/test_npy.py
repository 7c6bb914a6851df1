"""NumPy's arrays: npy, npz, MedMNIST, QuickDraw, and what this service gives out."""

import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.worker.importing.archives import tarred, zipped
from tests.worker.importing.array_files import expected, images, imported, label_of, labels, npy, npz
from tests.worker.importing.assembling import Outcome, made_of, many, noise


@pytest.mark.parametrize(
    ("shape", "made", "note"),
    [
        ((20, 16, 16), (16, 16, 1), None),
        ((20, 16, 16, 1), (16, 16, 1), None),
        ((20, 16, 16, 3), (16, 16, 3), None),
        ((20, 3, 16, 16), (16, 16, 3), "The 3 channels came first."),
        ((20, 256), (16, 16, 1), "Rows of 256 values were taken for images of 16x16."),
        ((20, 768), (16, 16, 3), "all of red, then green, then blue"),
    ],
)
def test_the_shape_says_where_the_pixels_are(
    tmp_path: Path, shape: tuple[int, ...], made: tuple[int, ...], note: str | None
) -> None:
    outcome = imported(tmp_path, npy(noise(shape)))
    assert outcome.made.images.shape == (20, *made)
    assert note is None or any(note in one for one in outcome.report.notes)


def test_channels_that_come_first_are_the_same_images(tmp_path: Path) -> None:
    pixels = noise((20, 16, 16, 3))
    ids = [
        imported(tmp_path / str(k), npy(array)).dataset_id
        for k, array in enumerate(
            (pixels, pixels.transpose(0, 3, 1, 2).copy(), pixels.transpose(0, 3, 1, 2).reshape(20, -1))
        )
    ]
    assert len(set(ids)) == 1


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        (images(20).astype(np.float64) / 255, "float64 0..1"),
        (images(20).astype(np.float32) / 127.5 - 1, "float32 -1..1"),
        ((images(20) // 16).astype(np.int64).clip(0, 16), "int64 0..16"),
        (images(20).astype(np.uint16) * 16, "uint16 0..4095"),
        (images(20) > 127, "bool 0..1"),
        (images(20).astype(np.int32), "int32 0..255"),
        (images(20).astype(np.float32) * 7 - 300, "float32 -300..1485"),
        (images(20).astype(np.int16) - 128, "int16 -128..127"),
    ],
)
def test_what_is_black_and_white_is_guessed_and_said(tmp_path: Path, values: np.ndarray, mode: str) -> None:
    outcome = imported(tmp_path, npy(values))
    assert list(outcome.report.modes) == [mode]
    assert any("taken for black" in note for note in outcome.report.notes)
    assert outcome.made.images.max() >= 234  # 15 of 16
    assert outcome.made.images.min() == 0


def test_an_image_with_values_that_are_no_numbers_is_dropped(tmp_path: Path) -> None:
    values = images(20).astype(np.float32)
    values[3, 4, 5], values[7, 0, 0] = np.nan, np.inf
    outcome = imported(tmp_path, npy(values), "a.npy")
    assert (outcome.codes_of("a.npy#3"), outcome.codes_of("a.npy#7")) == (["not-an-image"], ["not-an-image"])
    assert len(outcome.made.images) == 18


def medmnist(of_labels: np.ndarray, shape: tuple[int, ...] = (16, 16)) -> bytes:
    arrays: dict[str, Any] = {}
    for seed, (split, count) in enumerate((("train", 40), ("val", 10), ("test", 20))):
        arrays |= {f"{split}_images": noise((count, *shape), seed), f"{split}_labels": of_labels[:count]}
    return npz(**arrays)


def test_medmnist_has_labels_in_a_column_and_its_validation_images_are_trained_on(tmp_path: Path) -> None:
    outcome = imported(tmp_path, medmnist(labels(40).reshape(-1, 1)))
    assert (outcome.report.train, outcome.report.test) == (50, 20)
    assert label_of(outcome).items() >= expected(noise((40, 16, 16), 0), labels(40)).items()
    assert outcome.report.problems == {}


def test_medmnist_in_colour_is_read(tmp_path: Path) -> None:
    assert imported(tmp_path, medmnist(labels(40), (16, 16, 3))).made.images.shape == (70, 16, 16, 3)


def test_several_labels_an_image_are_no_classes(tmp_path: Path) -> None:
    outcome = imported(tmp_path, medmnist(noise((40, 14)) % 2))
    assert outcome.report.classes is None
    warning = outcome.warning("classes-left-out")
    assert warning is not None
    assert warning.detail == "each image may have several of 14 labels, which are no classes"


def test_one_hot_labels_are_classes_and_it_is_said(tmp_path: Path) -> None:
    one_hot = np.eye(4, dtype=np.float32)[labels(40)]
    outcome = imported(tmp_path, npz(x_train=images(40), y_train=one_hot))
    assert label_of(outcome) == expected(images(40), labels(40))
    assert "Labels were one-hot, of 4 classes." in outcome.report.notes


def test_keras_names_its_arrays_x_and_y(tmp_path: Path) -> None:
    outcome = imported(tmp_path, npz(x_train=images(40), y_train=labels(40), x_test=images(20, 1), y_test=labels(20)))
    assert (outcome.report.train, outcome.report.test) == (40, 20)
    assert label_of(outcome) == expected(images(40), labels(40)) | expected(images(20, 1), labels(20))


def test_labels_are_told_from_images_by_their_shape_where_names_say_nothing(tmp_path: Path) -> None:
    outcome = imported(tmp_path, npz(arr_0=images(40), arr_1=np.array(["cat", "dog"])[labels(40) % 2]))
    assert outcome.made.card.class_names == ["cat", "dog"]


@pytest.mark.parametrize("form", ["zip", "tar", "npz"])
def test_quickdraw_has_a_file_for_each_class(tmp_path: Path, form: str) -> None:
    arrays = {f"full_numpy_bitmap_{name}": noise((20, 256), k) for k, name in enumerate(("cat", "ice cream", "car"))}
    files = {f"{name}.npy": npy(array) for name, array in arrays.items()}
    data = {"zip": lambda: zipped(files), "tar": lambda: tarred(files), "npz": lambda: npz(**arrays)}[form]()
    outcome = imported(tmp_path, data)
    assert outcome.made.card.class_names == ["car", "cat", "ice cream"]
    assert "Each of the 3 arrays was taken for a class." in outcome.report.notes


def test_hundreds_of_arrays_need_few_open_files(tmp_path: Path) -> None:
    files = {f"class_{k}.npy": npy(noise((3, 64), k)) for k in range(300)}
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 16, before[1]))
    try:
        outcome = imported(tmp_path, zipped(files))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(outcome.made.card.class_names) == 300


def test_arrays_that_are_neither_images_nor_labels_are_named(tmp_path: Path) -> None:
    outcome = imported(tmp_path, npz(images=images(20), masks=images(20, 1), stats=np.zeros((3, 4, 5, 6, 7))))
    assert outcome.codes_of("masks.npy") == ["not-an-image"]
    assert outcome.codes_of("stats.npy") == ["not-an-image"]
    assert outcome.report.train + outcome.report.test == 20


def test_an_array_of_objects_is_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return open, (str(tmp_path / "opened"), "w")  # type: ignore[return-value]

    data = npy(np.array([Bomb()] * 20, dtype=object), pickled=True)
    outcome = imported(tmp_path, data)
    assert outcome.report.problems == {"unsupported-format": 1}
    assert "a pickle" in outcome.problems[0].detail
    assert not (tmp_path / "opened").exists()


HEADER = b"\x93NUMPY\x01\x00\x76\x00"


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 28, 28), }",
        "{'descr': '<U9999999', 'fortran_order': False, 'shape': (99999, 9999999), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 28, 28), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (20,), }",
        "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (20,), }",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2, 2), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (), }",
        "{'descr': '<U0', 'fortran_order': False, 'shape': (20, 20, 20), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, " + "1, " * 20 + "), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 'x', }",
        "{" * 100,
        "__import__('os').abort()",
        "",
    ],
)
def test_a_header_that_lies_is_a_problem_and_no_error(tmp_path: Path, header: str) -> None:
    data = HEADER + header.encode().ljust(117) + b"\n" + bytes(1000)
    outcome = imported(tmp_path, data)
    assert outcome.report.rejected is not None
    assert sum(outcome.report.problems.values()) == 1


def test_labels_of_characters_that_are_none_are_refused(tmp_path: Path) -> None:
    labels = npy(np.array(["a", "b"] * 10))
    files = {"images.npy": npy(images(20)), "labels.npy": labels[:-4] + b"\xff" * 4}
    assert "characters that are none" in str(imported(tmp_path, zipped(files)).report.rejected)


@pytest.mark.parametrize("names", [np.zeros((0, 3), "<U1"), np.array([["a", "b"]]), np.array(["", "b", "\ud800", "d"])])
def test_odd_names_of_classes_are_no_error(tmp_path: Path, names: np.ndarray) -> None:
    arrays = {"train_images": images(40), "train_labels": labels(40), "class_names": names}
    files = {f"{name}.npy": npy(array) for name, array in arrays.items()}
    outcome = imported(tmp_path, zipped(files))
    assert len(outcome.made.images) > 0
    assert outcome.dataset_id == outcome.made.card.dataset_id


def test_of_a_truncated_array_the_whole_images_are_taken(tmp_path: Path) -> None:
    assert len(imported(tmp_path, npy(images(20))[:-10]).made.images) == 19


def test_arrays_in_fortrans_order_are_refused_with_what_would_do(tmp_path: Path) -> None:
    rejected = imported(tmp_path, npy(np.asfortranarray(images(20)))).report.rejected
    assert "numpy.ascontiguousarray" in str(rejected)


def downloaded(outcome: Outcome) -> dict[str, np.ndarray]:
    """The arrays that `GET /datasets/{dataset}/download` gives of a data set."""
    made = outcome.made
    pixels = made.images[..., 0] if made.images.shape[-1] == 1 else made.images
    arrays = {"train_images": pixels[made.train], "test_images": pixels[made.test]}
    if made.labels is not None:
        arrays |= {"train_labels": made.labels[made.train], "test_labels": made.labels[made.test]}
        arrays |= {"class_names": np.array(made.card.class_names, dtype=np.str_)}
    return arrays


@pytest.mark.parametrize(
    ("shape", "classes", "options"),
    [
        ((16, 16, 1), 0, {}),
        ((16, 16, 3), 3, {}),
        ((16, 16, 1), 3, {"channels": 3}),
        ((16, 16, 1), 12, {"size": 96}),
        ((16, 16, 1), 3, {"split": "none"}),
    ],
)
def test_a_download_imported_again_is_the_same_data_set(
    tmp_path: Path, shape: tuple[int, ...], classes: int, options: dict[str, Any]
) -> None:
    first = made_of(tmp_path / "first", many(60, shape, classes=classes), **options)
    again = imported(tmp_path / "again", npz(**downloaded(first)))
    assert again.dataset_id == first.dataset_id
    assert again.report.problems == {}
