"""Archives of pictures, through to what a source yields."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.import_options import ImportOptions
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from tests.worker.importing.archives import encoded, png, put, tarred, zipped
from worker.importing.opening import open_source
from worker.importing.raw import RawImage, SourceRejected

OPTIONS = ImportOptions()


def read(path: Path, options: ImportOptions = OPTIONS) -> tuple[list[RawImage], list[FileProblem], list[str]]:
    """Images, problems and notes of an upload."""
    source = open_source(path, path.name, options, path.parent)
    items = list(source)
    images = [item for item in items if isinstance(item, RawImage)]
    return images, [item for item in items if isinstance(item, FileProblem)], source.notes


def test_pictures_come_with_the_class_and_the_split_of_their_folders(tmp_path: Path) -> None:
    files = {"set/train/cat/1": png(1), "set/train/dog/1": png(2, mode="RGB"), "set/test/dog/1": png(3)}
    for data in (zipped(files), tarred(files), tarred(files, "gz")):
        images, problems, notes = read(put(tmp_path, data))
        assert [(image.file, image.label, image.split, image.mode) for image in images] == [
            ("set/train/cat/1", "cat", "train", "L"),
            ("set/train/dog/1", "dog", "train", "RGB"),
            ("set/test/dog/1", "dog", "test", "L"),
        ]
        assert problems == []
        assert notes == [
            "The folders test, train are splits.",
            "The 2 folders that the images are in are their classes.",
        ]


def test_without_labels_folders_are_no_classes(tmp_path: Path) -> None:
    path = put(tmp_path, zipped({"train/cat/1": png(1), "test/dog/1": png(2)}))
    images, _, _ = read(path, ImportOptions(labels="none"))
    assert [(image.label, image.split) for image in images] == [(None, "train"), (None, "test")]


@pytest.mark.parametrize(
    ("data", "code", "hint"),
    [
        (b"words", ProblemCode.NOT_AN_IMAGE, "whatever its name says"),
        (b"", ProblemCode.NOT_AN_IMAGE, "an empty file"),
        (b"\x01\x02\x03", ProblemCode.NOT_AN_IMAGE, "0x010203; allowed: PNG, JPEG, WebP, BMP and GIF"),
        (b"<!doctype html>", ProblemCode.NOT_AN_IMAGE, "fetch the file again"),
        (b"II*\0" + bytes(9), ProblemCode.UNSUPPORTED_FORMAT, "save each image as PNG"),
        (b"<svg/>", ProblemCode.UNSUPPORTED_FORMAT, "save each image as PNG"),
        (b"\x80\x04\x95" + bytes(9), ProblemCode.UNSUPPORTED_FORMAT, "a pickle runs code"),
        (zipped({"1": png()}), ProblemCode.UNSUPPORTED_FORMAT, "unpack it"),
        (b"\0\0\x08\x03" + bytes(12), ProblemCode.UNSUPPORTED_FORMAT, "upload it by itself"),
        (png()[:-30], ProblemCode.TRUNCATED, "PNG that is damaged or ends too early"),
        (png() + bytes(4 * 2**20), ProblemCode.TOO_LARGE, "allowed: 4,194,304"),
    ],
)
def test_what_is_no_picture_is_left_out_with_what_it_is(
    tmp_path: Path, data: bytes, code: ProblemCode, hint: str
) -> None:
    images, (problem,), _ = read(put(tmp_path, zipped({"1.png": png(), "2.png": data, "3.png": png()}, 0)))
    assert [image.file for image in images] == ["1.png", "3.png"]
    assert (problem.file, problem.code, problem.action) == ("2.png", code, "dropped")
    assert hint in problem.detail


def test_words_among_pictures_are_junk(tmp_path: Path) -> None:
    _, (problem,), _ = read(put(tmp_path, zipped({"1.png": png(), "readme": b"words", "2.png": png(2)}, 0)))
    assert (problem.file, problem.code) == ("readme", ProblemCode.JUNK)
    assert "classes come from folders" in problem.detail


def test_16_bits_are_told_by_the_brightest_image_of_all(tmp_path: Path) -> None:
    dark, bright = (encoded(Image.fromarray(np.full((8, 8), value, np.uint16)), "PNG") for value in (2047, 4095))
    images, _, notes = read(put(tmp_path, zipped({"1": dark, "2": bright, "3": png()})))
    assert [int(image.pixels.max()) for image in images[:2]] == [127, 255]
    assert "2 grey images of 16 bits; the brightest uses 12 of them." in notes


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "this is HTML: this is an HTML page"),
        (b"\x80\x04\x95abcdef", "a pickle runs code when it is opened"),
        (b"Rar!\x1a\x07\x01\0", "pack the files as a zip or a tar"),
        (png(), "a single PNG image; pack many of them"),
        (zipped({}), "no image in this zip; its files by kind: none"),
        (zipped({"a": b"text", "b": b"<svg/>"}), "1 text, 1 SVG; allowed: PNG"),
        (b"\x01\x02\x03", "this is unknown; allowed"),
    ],
)
def test_what_no_images_are_in_is_refused_with_what_would_do(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(SourceRejected) as refused:
        read(put(tmp_path, data))
    assert words in str(refused.value)


def test_the_total_counts_each_file_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    files = {"._1.png": b"", "1.png": encoded(Image.new("L", (8, 8)), "PNG", exif=exif), "2.txt": b"text", "3/": b""}
    source = open_source(put(tmp_path, zipped(files)), "data", OPTIONS, tmp_path)
    items = list(source)
    assert source.total == 3
    assert len(items) == 4  # the picture has a problem and an image
