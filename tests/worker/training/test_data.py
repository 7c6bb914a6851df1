import gzip
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from core.idx import DIGESTS
from tests.tiny import IMAGES, LABELS, digit_like, idx_bytes, write_dataset
from worker.training.data import EMBEDDED, Dataset, load_dataset, to_unit_range
from worker.training.errors import BadData
from worker.training.idx import read_idx

PIXELS = digit_like(5)
GZ = f"{IMAGES}.gz"


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return load_dataset(EMBEDDED / "mnist")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "own", PIXELS)


def test_the_embedded_digits_are_complete(mnist: Dataset) -> None:
    raw = gzip.decompress((EMBEDDED / "mnist" / GZ).read_bytes())
    assert len(mnist) == 60_000
    assert mnist.images.dtype == torch.uint8
    assert mnist.images.numpy().tobytes() == raw[16:]
    assert mnist.sha256 == sha256(raw[16:]).hexdigest()
    scaled = mnist.images.float() / 255  # the mean and deviation that everyone knows
    assert scaled.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert scaled.std().item() == pytest.approx(0.3081, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (LABELS, (60_000,)),
        ("t10k-images-idx3-ubyte", (10_000, 28, 28)),
        ("t10k-labels-idx1-ubyte", (10_000,)),
    ],
)
def test_the_other_embedded_files_are_complete(name: str, shape: tuple[int, ...]) -> None:
    array = read_idx(EMBEDDED / "mnist", name, rank=len(shape))
    assert array.shape == shape
    if len(shape) == 1:
        assert np.bincount(array).min() > 0.08 * len(array)
        assert array.max() == 9


def test_every_embedded_file_has_a_digest() -> None:
    digests = json.loads((EMBEDDED / "mnist" / DIGESTS).read_text())
    for path in (EMBEDDED / "mnist").glob("*.gz"):
        assert digests[path.stem] == sha256(gzip.decompress(path.read_bytes())).hexdigest()
    assert len(digests) == 4


def test_scaled_images_fill_the_range_of_tanh(mnist: Dataset) -> None:
    scaled = to_unit_range(mnist.images[:100])
    assert scaled.shape == (100, 1, 28, 28)
    assert scaled.dtype == torch.float32
    assert scaled.min() == -1
    assert scaled.max() == 1
    assert to_unit_range(torch.tensor([[[[0], [51], [255]]]])).flatten().tolist() == pytest.approx([-1, -0.6, 1])


@pytest.mark.parametrize("packed", [False, True])
def test_ones_own_images_are_loaded(tmp_path: Path, packed: bool) -> None:
    dataset = load_dataset(write_dataset(tmp_path / "own", PIXELS, packed=packed))
    assert np.array_equal(dataset.images.numpy()[..., 0], PIXELS)
    assert dataset.sha256 == sha256(PIXELS.tobytes()).hexdigest()


def test_one_may_ask_for_the_first_images_alone(folder: Path) -> None:
    dataset = load_dataset(folder, 3)
    assert np.array_equal(dataset.images.numpy()[..., 0], PIXELS[:3])
    assert dataset.sha256 == sha256(PIXELS[:3].tobytes()).hexdigest()
    assert len(load_dataset(folder, 5)) == 5
    with pytest.raises(BadData, match=f"{IMAGES}: holds 5 images; the recipe asks for num_images=6"):
        load_dataset(folder, 6)


def write_images(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / IMAGES).write_bytes(data)


def write_packed(data: bytes) -> Callable[[Path], object]:
    def fault(folder: Path) -> None:
        (folder / IMAGES).unlink()
        (folder / GZ).write_bytes(data)

    return fault


def test_labels_are_loaded_where_there_are_classes(folder: Path) -> None:
    (folder / LABELS).write_bytes(idx_bytes(np.arange(5)))
    assert load_dataset(folder).labels is None
    dataset = load_dataset(folder, 3, classes=5)
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [0, 1, 2]
    (folder / LABELS).write_bytes(idx_bytes(np.array([0, 2, 1, 3, 4])))
    assert load_dataset(folder, 3, classes=5).sha256 != dataset.sha256
    assert load_dataset(folder, 3).sha256 == load_dataset(folder, 3).sha256


def test_a_label_beyond_the_classes_is_refused(folder: Path) -> None:
    (folder / LABELS).write_bytes(idx_bytes(np.arange(5)))
    with pytest.raises(BadData, match="holds the label 4; classes=4 allows 0 to 3"):
        load_dataset(folder, classes=4)


def test_no_images_have_no_labels_either(folder: Path) -> None:
    write_dataset(folder, PIXELS[:0], np.arange(0))
    with pytest.raises(BadData, match=f"{IMAGES}: holds no data"):
        load_dataset(folder, classes=10)


def test_labels_that_begin_with_1_are_told_how_many_classes_they_are(folder: Path) -> None:
    (folder / LABELS).write_bytes(idx_bytes(np.arange(1, 6)))
    with pytest.raises(BadData, match="classes=5 allows 0 to 4, classes=6 fits"):
        load_dataset(folder, classes=5)


def test_classes_need_labels(folder: Path) -> None:
    with pytest.raises(BadData, match=f"{LABELS}: no such file"):
        load_dataset(folder, classes=4)


def write_labels(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / LABELS).write_bytes(data)


GOOD, PACKED = idx_bytes(PIXELS), gzip.compress(idx_bytes(PIXELS), mtime=0)
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "images missing": (lambda folder: (folder / IMAGES).unlink(), f"{IMAGES}: no such file"),
    "a folder instead": (
        lambda folder: (folder / IMAGES).rename(folder / "moved").with_name(IMAGES).mkdir(),
        f"{IMAGES}: cannot be read: it is a folder",
    ),
    "a link to nothing": (
        lambda folder: (folder / IMAGES).rename(folder / "moved").with_name(IMAGES).symlink_to("nowhere"),
        f"{IMAGES}: cannot be read: it is a link to nothing",
    ),
    "a link to itself": (
        lambda folder: (folder / IMAGES).rename(folder / "moved").with_name(IMAGES).symlink_to(IMAGES),
        f"{IMAGES}: cannot be read: Too many levels of symbolic links",
    ),
    "a pipe": (
        lambda folder: os.mkfifo((folder / IMAGES).rename(folder / "moved").with_name(IMAGES)),
        f"{IMAGES}: cannot be read: it is not a regular file",
    ),
    "unreadable": (  # the kernel opens this one, and refuses to read it
        lambda folder: (folder / IMAGES).rename(folder / "moved").with_name(IMAGES).symlink_to("/proc/self/mem"),
        f"{IMAGES}: cannot be read: Input/output error",
    ),
    "empty": (write_images(b""), f"{IMAGES}: magic number is 0x;"),
    "a label file": (write_images(idx_bytes(np.arange(5))), f"{IMAGES}: magic number is 0x00000801"),
    "of another type": (write_images(b"\0\0\x0d\3" + GOOD[4:]), f"{IMAGES}: magic number is 0x00000d03"),
    "little endian": (write_images(b"\3\x08\0\0" + GOOD[4:]), f"{IMAGES}: magic number"),
    "a picture": (write_images(b"\x89PNG\r\n\x1a\n"), f"{IMAGES}: magic number is 0x89504e47"),
    "header cut": (write_images(GOOD[:15]), f"{IMAGES}: ends within its header, after 15 bytes"),
    "data cut": (write_images(GOOD[:-1]), f"{IMAGES}: holds 3919 bytes of data"),
    "trailing byte": (write_images(GOOD + b"\0"), f"{IMAGES}: holds 3921 bytes of data"),
    "no images": (
        write_images(GOOD[:4] + bytes(4) + GOOD[8:16]),
        f"{IMAGES}: holds no data; its header says (0, 28, 28)",
    ),
    "images of no size": (write_images(GOOD[:8] + bytes(8)), f"{IMAGES}: holds no data; its header says (5, 0, 0)"),
    "no images, endless ones": (write_images(GOOD[:4] + bytes(4) + b"\xff" * 8), f"{IMAGES}: holds no data"),
    "promises too much": (write_images(GOOD[:4] + b"\xff" * 12), f"{IMAGES}: holds 0 bytes of data"),
    "scaled to 0 and 1": (
        write_images(idx_bytes(PIXELS > 128)),
        f"{IMAGES}: no pixel is brighter than 1; grey values go",
    ),
    "all black": (write_images(idx_bytes(PIXELS * 0)), f"{IMAGES}: no pixel is brighter than 0"),
    "another size": (write_images(idx_bytes(PIXELS[:, :, 1:])), f"{IMAGES}: images are 28x27; allowed: 28x28"),
    "neither gzip nor IDX": (write_packed(b"<!doctype html>"), f"{GZ}: magic number is 0x3c21646f"),
    "gzip cut": (write_packed(PACKED[:-9]), f"{GZ}: cannot be unpacked"),
    "gzip header cut": (write_packed(PACKED[:5]), f"{GZ}: cannot be unpacked"),
    "gzip sum altered": (write_packed(PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:]), f"{GZ}: cannot be unpacked"),
    "gzip data altered": (write_packed(PACKED[:10] + b"\xff" * 20 + PACKED[30:]), f"{GZ}: cannot be unpacked"),
    "packed and cut inside": (write_packed(gzip.compress(GOOD[:-1])), f"{GZ}: holds 3919 bytes of data"),
    "a label too few": (write_labels(idx_bytes(np.arange(4))), f"{LABELS}: 4 labels for 5 images"),
    "labels damaged": (write_labels(b"labels"), f"{LABELS}: magic number"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_answered_with_the_files_name(folder: Path, fault: str) -> None:
    damage, message = FAULTS[fault]
    damage(folder)
    with pytest.raises(BadData) as caught:
        load_dataset(folder)
    assert f"{folder}/{message}" in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="nowhere: no such folder"):
        load_dataset(tmp_path / "nowhere")
