"""One picture file, decoded: PNG, JPEG, WebP, BMP or GIF, and nothing else that Pillow could open.

What becomes of each mode:

    1                 black and white as 0 and 255
    L                 as it is; with alpha where a grey is transparent
    LA, RGBA          as they are
    P                 the colours of its palette; with alpha where one of them is transparent
    RGB               as it is; with alpha where a colour is transparent
    I;16              as it is, in 16 bits: depth.py makes 8 of them
    16-bit colours    their more significant byte, which is all that Pillow keeps
    CMYK and others   RGB, without a colour profile

Alpha that is opaque all over is left out. Pixels are turned as EXIF says. Nothing else of the metadata is read.
"""

import io
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Image import DecompressionBombError, Image, Transpose
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from core.import_kinds import Kind
from core.import_limits import MOST_PIXELS
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.members import MemberFault
from worker.importing.webp_size import webp_size

MOST_SCANS = 200  # of a progressive JPEG: each takes as long as a decoding
ORIENTATION = 0x0112  # the EXIF tag
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
METADATA_WITH_ORIENTATION = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
AS_THEY_ARE = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}  # mode -> channels

_OPENERS: dict[Kind, Callable[[io.BytesIO], Image]] = {
    Kind.PNG: PngImageFile,
    Kind.JPEG: JpegImageFile,
    Kind.WEBP: WebPImageFile,
    Kind.BMP: BmpImageFile,
    Kind.GIF: GifImageFile,
}


class Picture(NamedTuple):
    """A decoded picture."""

    pixels: np.ndarray  # uint8 [H, W, C] as in RawImage, or uint16 [H, W, 1]
    mode: str  # Pillow's word for what its pixels were
    problems: list[FileProblem]  # that did not keep it from being used


def decode(data: bytes, kind: Kind, file: str) -> Picture:
    """Decode a picture of which `sniff` says that it is of `kind`. Raises MemberFault."""
    _check_cost(data, kind)
    try:
        with warnings.catch_warnings(action="ignore"), _OPENERS[kind](io.BytesIO(data)) as image:  # of odd metadata
            _check_size(*image.size)
            image.load()
            return _picture(image, kind, file)
    except MemberFault:
        raise
    except (MemoryError, DecompressionBombError) as error:
        raise MemberFault(ProblemCode.TOO_LARGE, f"{kind} that takes too much memory to decode") from error
    except Exception as error:  # Pillow has no list of what broken files make it raise
        detail = f"{kind} that is damaged or ends too early: {str(error) or type(error).__name__}"
        raise MemberFault(ProblemCode.TRUNCATED, detail[:300]) from error


def _check_cost(data: bytes, kind: Kind) -> None:
    """Refuse what is known to be expensive before the decoder is asked."""
    if kind == Kind.WEBP and (size := webp_size(data)):
        _check_size(*size)
    if kind == Kind.JPEG and (scans := data.count(b"\xff\xda")) > MOST_SCANS:
        raise MemberFault(ProblemCode.TOO_LARGE, f"JPEG with {scans} scans; allowed: {MOST_SCANS}")


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        detail = f"{width:,} x {height:,} pixels; allowed: {MOST_PIXELS:,} together"
        raise MemberFault(ProblemCode.TOO_LARGE, detail)
    if width * height == 0:
        raise MemberFault(ProblemCode.NOT_AN_IMAGE, "an image without pixels")


def _picture(image: Image, kind: Kind, file: str) -> Picture:
    mode, problems = image.mode, []
    if kind in (Kind.PNG, Kind.GIF, Kind.WEBP) and getattr(image, "is_animated", False):
        detail = f"an animation of {getattr(image, 'n_frames', 2)} frames; the first one is taken"
        problems.append(FileProblem(file=file, code=ProblemCode.ANIMATED, detail=detail, action="kept"))
    turn = _turn(image)
    image = _convertible(image)
    if turn is not None:
        image = image.transpose(turn)
        detail = f"turned as its EXIF orientation says ({turn.name})"
        problems.append(FileProblem(file=file, code=ProblemCode.ROTATED, detail=detail, action="repaired"))
    if image.mode.startswith("I"):
        return Picture(np.asarray(image, np.uint16)[..., np.newaxis], mode, problems)
    pixels = np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width, AS_THEY_ARE[image.mode])
    if image.mode in ("LA", "RGBA") and pixels[..., -1].min() == 255:
        pixels = pixels[..., :-1]
    return Picture(pixels, mode, problems)


def _convertible(image: Image) -> Image:
    """The image in a mode whose bytes are its pixels."""
    if image.mode.startswith("I"):
        return image
    transparent = "transparency" in image.info
    match image.mode:
        case "1" | "L":
            return image.convert("LA" if transparent else "L")
        case "P" | "RGB":
            return image.convert("RGBA" if transparent else "RGB")
        case "LA" | "RGBA":
            return image
        case "PA":
            return image.convert("RGBA")
        case _:
            return image.convert("RGB")


def _turn(image: Image) -> Transpose | None:
    if METADATA_WITH_ORIENTATION.isdisjoint(image.info):
        return None
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # metadata that cannot be read turns nothing
        return None
