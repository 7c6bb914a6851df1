"""What becomes of a picture file: each mode, each format, and each way of being broken."""

import io

import numpy as np
import pytest
from PIL import Image

from core.import_kinds import PICTURES, Kind, sniff
from core.import_vocabulary import ProblemCode
from tests.worker.importing.archives import encoded, png
from worker.importing.members import MemberFault
from worker.importing.pictures import MOST_SCANS, Picture, decode


def decoded(data: bytes) -> Picture:
    return decode(data, sniff(data), "a.png")


def fault_of(data: bytes, kind: Kind | None = None) -> ProblemCode:
    with pytest.raises(MemberFault) as fault:
        decode(data, kind or sniff(data), "a.png")
    return fault.value.code


def ramp(channels: int) -> np.ndarray:
    return np.arange(6 * 4 * channels, dtype=np.uint8).reshape(6, 4, channels) * 2


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_the_pixels_of_a_png_are_as_they_are(mode: str, channels: int) -> None:
    pixels = ramp(channels)
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode)
    picture = decoded(encoded(image, "PNG"))
    assert (picture.pixels == pixels).all()
    assert picture.pixels.shape == pixels.shape
    assert (picture.mode, picture.problems) == (mode, [])


def test_black_and_white_are_0_and_255() -> None:
    picture = decoded(encoded(Image.fromarray(ramp(1)[..., 0] > 20), "PNG"))
    assert picture.mode == "1"
    assert (picture.pixels == np.where(ramp(1) > 20, 255, 0)).all()


def test_a_palette_gives_its_colours_and_alpha_where_one_is_transparent() -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture = decoded(encoded(image, "PNG"))
    assert picture.mode == "P"
    assert picture.pixels.tolist() == [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [0, 255, 0]]]
    for form in ("PNG", "GIF"):
        picture = decoded(encoded(image, form, transparency=1))
        assert picture.pixels[..., 3].tolist() == [[255, 0], [255, 0]]


def test_a_transparent_colour_without_a_palette_becomes_alpha() -> None:
    grey = decoded(encoded(Image.fromarray(ramp(1)[..., 0]), "PNG", transparency=4))
    assert grey.pixels[..., 1].min() == 0
    colour = decoded(encoded(Image.fromarray(ramp(3)), "PNG", transparency=(0, 2, 4)))
    assert (colour.pixels[..., 3] == 0).sum() == 1


def test_alpha_that_hides_nothing_is_left_out() -> None:
    image = Image.fromarray(ramp(3)).convert("RGBA")
    picture = decoded(encoded(image, "PNG"))
    assert (picture.mode, picture.pixels.shape) == ("RGBA", (6, 4, 3))


def test_16_bits_stay_for_those_who_know_how_many_are_used() -> None:
    pixels = np.array([[0, 1000], [4095, 7]], np.uint16)
    picture = decoded(encoded(Image.fromarray(pixels), "PNG"))
    assert picture.mode == "I;16"
    assert picture.pixels.dtype == np.uint16
    assert (picture.pixels[..., 0] == pixels).all()


def test_cmyk_becomes_rgb() -> None:
    picture = decoded(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert picture.mode == "CMYK"
    assert np.abs(picture.pixels.astype(int) - (255, 0, 0)).max() < 9


@pytest.mark.parametrize("kind", sorted(PICTURES))
def test_every_format_gives_the_same_picture(kind: Kind) -> None:
    picture = decoded(encoded(Image.new("RGB", (20, 10), (200, 40, 90)), kind.value))
    assert picture.pixels.shape == (10, 20, 3)
    assert np.abs(picture.pixels.astype(int) - (200, 40, 90)).max() < 5


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_exif_says(form: str, orientation: int) -> None:
    image = Image.new("L", (32, 16))
    image.paste(255, (0, 0, 16, 8))  # its upper left quarter
    if orientation >= 5:
        image = image.transpose(Image.Transpose.TRANSPOSE)
    turn = {2: 0, 3: 1, 4: 3, 6: 3, 7: 1, 8: 0}.get(orientation)
    if turn is not None:
        operations = {
            0: Image.Transpose.FLIP_LEFT_RIGHT,
            1: Image.Transpose.ROTATE_180,
            3: Image.Transpose.FLIP_TOP_BOTTOM,
        }
        image = image.transpose(operations[turn])
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decoded(encoded(image, form, exif=exif))
    assert picture.pixels.shape[:2] == (16, 32)
    grey = picture.pixels[..., 0]
    if orientation < 5:
        assert (grey[4, 8], grey[4, 24], grey[12, 8]) == (255, 0, 0)
    assert [problem.code for problem in picture.problems] == [ProblemCode.ROTATED] * (orientation > 1)


def test_metadata_that_is_damaged_does_not_spoil_a_picture() -> None:
    picture = decoded(encoded(Image.new("L", (8, 8)), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))
    assert picture.pixels.shape == (8, 8, 1)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(form: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, form, save_all=True, append_images=frames[1:], lossless=True)
    picture = decoded(file.getvalue())
    assert (picture.pixels == (255, 0, 0)).all()
    assert [(problem.code, problem.action) for problem in picture.problems] == [(ProblemCode.ANIMATED, "kept")]


@pytest.mark.parametrize("kind", sorted(PICTURES))
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_picture_that_ends_too_early_is_no_picture(kind: Kind, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind.value)
    assert fault_of(data[: int(len(data) * keep)], kind) == ProblemCode.TRUNCATED


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    for form in ("PNG", "GIF", "WEBP", "JPEG", "BMP"):
        data = encoded(Image.new("L", (4001, 4000)), form)
        assert fault_of(data) == ProblemCode.TOO_LARGE
    lossless = encoded(Image.new("RGB", (4001, 4000)), "WEBP", lossless=True)
    assert fault_of(lossless) == ProblemCode.TOO_LARGE
    extended = encoded(Image.new("RGBA", (4001, 4000)), "WEBP", exif=Image.Exif())
    assert fault_of(extended) == ProblemCode.TOO_LARGE


def test_a_jpeg_of_endless_scans_is_not_decoded() -> None:
    data = encoded(Image.new("L", (16, 16)), "JPEG", progressive=True)
    assert fault_of(data[:-2] + b"\xff\xda" * MOST_SCANS + b"\xff\xd9") == ProblemCode.TOO_LARGE


def test_a_png_whose_checksum_is_off_is_no_picture() -> None:
    data = bytearray(png())
    data[-20] ^= 1
    assert fault_of(bytes(data)) == ProblemCode.TRUNCATED
