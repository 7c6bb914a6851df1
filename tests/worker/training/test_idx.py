"""Files of any origin: packed or not whatever their name says, with digests as any tool writes them."""

import codecs
import gzip
import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from core.idx import DIGESTS
from tests.tiny import IMAGES, LABELS, digit_like, flip_byte, idx_bytes, write_dataset
from worker.training.data import EMBEDDED, load_dataset
from worker.training.errors import BadData
from worker.training.idx import read_idx

PIXELS = digit_like(5)
RAW = idx_bytes(PIXELS)
PACKED = gzip.compress(RAW)
GZ = f"{IMAGES}.gz"


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


@pytest.fixture(params=["raw", "packed"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "own", PIXELS, np.arange(5), packed=request.param == "packed")


@pytest.mark.parametrize("name", [IMAGES, GZ])
@pytest.mark.parametrize("content", [RAW, PACKED], ids=["raw", "packed"])
def test_the_content_says_whether_a_file_is_packed(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert np.array_equal(read_idx(tmp_path, IMAGES, rank=3), PIXELS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_digests_are_read_as_any_editor_writes_them(folder: Path, encoding: str) -> None:
    (folder / DIGESTS).write_text(json.dumps({IMAGES: digest(RAW).upper(), LABELS: "0" * 64}), encoding)
    assert len(read_idx(folder, IMAGES, rank=3)) == 5
    with pytest.raises(BadData, match=f"{LABELS}: its SHA-256 is"):
        read_idx(folder, LABELS, rank=1)


def test_the_name_without_gz_is_the_digest_of_the_unpacked_bytes(folder: Path) -> None:
    (folder / DIGESTS).write_text(json.dumps({IMAGES: digest(RAW)}))
    assert len(load_dataset(folder)) == 5
    (folder / DIGESTS).write_text(json.dumps({IMAGES: "0" * 64}))
    with pytest.raises(BadData, match=f"{IMAGES}.*: its SHA-256 is {digest(RAW)}; {DIGESTS} says 000.* of {IMAGES}$"):
        load_dataset(folder)


def test_the_name_with_gz_is_the_digest_of_the_packed_file(tmp_path: Path) -> None:
    (tmp_path / GZ).write_bytes(PACKED)
    (tmp_path / DIGESTS).write_text(json.dumps({GZ: digest(PACKED), IMAGES: digest(RAW)}))
    assert len(load_dataset(tmp_path)) == 5
    (tmp_path / DIGESTS).write_text(json.dumps({GZ: digest(RAW)}))
    with pytest.raises(BadData, match=f"{GZ}: its SHA-256 is {digest(PACKED)}; .* of {GZ}$"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("entry", ["README.md", "train-images.idx3-ubyte", "t10k-labels-idx1-ubyte", f"{LABELS}.gz"])
def test_an_entry_that_names_no_file_that_is_read_is_refused(folder: Path, entry: str) -> None:
    (folder / "README.md").write_text("is there, and is not read")
    (folder / DIGESTS).write_text(json.dumps({IMAGES: digest(RAW), entry: "0" * 64}))
    with pytest.raises(BadData, match=f"{DIGESTS}: names '{entry}', which is no file that is read; allowed: {IMAGES}"):
        load_dataset(folder)


def test_an_entry_for_the_packed_one_of_two_files_is_refused(tmp_path: Path) -> None:
    """The raw one is read, and the packed one may be another."""
    (tmp_path / IMAGES).write_bytes(RAW)
    (tmp_path / GZ).write_bytes(PACKED)
    (tmp_path / DIGESTS).write_text(json.dumps({GZ: digest(PACKED)}))
    with pytest.raises(BadData, match=f"names '{GZ}', which is no file that is read; allowed: {IMAGES}"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (codecs.BOM_UTF8 + b"\xff", "cannot be read as JSON"),
        (b"[]", "not a JSON object of file names and digests"),
        (json.dumps({IMAGES: 5}).encode(), f"{IMAGES} has 5; allowed: its SHA-256, 64 hexadecimal digits"),
        (json.dumps({IMAGES: "0" * 63}).encode(), "allowed: its SHA-256, 64 hexadecimal digits"),
    ],
    ids=["cut", "deep", "no text", "list", "number", "short"],
)
def test_digests_that_are_none_are_refused(folder: Path, content: bytes, message: str) -> None:
    (folder / DIGESTS).write_bytes(content)
    with pytest.raises(BadData, match=f"{folder / DIGESTS}: .*{message}"):
        load_dataset(folder)


def test_digests_that_cannot_be_read_are_not_passed_over(folder: Path) -> None:
    (folder / DIGESTS).symlink_to("nowhere")
    with pytest.raises(BadData, match=f"{DIGESTS}: cannot be read as JSON: .*No such file"):
        load_dataset(folder)


def test_one_altered_pixel_of_the_embedded_digits_is_found(tmp_path: Path) -> None:
    source = EMBEDDED / "mnist"
    expected = json.loads((source / DIGESTS).read_bytes())[LABELS]
    (tmp_path / DIGESTS).write_text(json.dumps({LABELS: expected}))
    (tmp_path / LABELS).write_bytes(gzip.decompress((source / f"{LABELS}.gz").read_bytes()))
    read_idx(tmp_path, LABELS, rank=1)
    flip_byte(tmp_path / LABELS, 30_000)
    with pytest.raises(BadData, match=f"{LABELS}: its SHA-256 is"):
        read_idx(tmp_path, LABELS, rank=1)
