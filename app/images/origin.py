"""The origin of a PNG: an iTXt chunk with the model, the images, and the URL that draws the file again.

The reader walks the chunks as the PNG specification defines them (11.3.3.4 for iTXt) and decompresses nothing, so an
untrusted file costs no more than its bytes. The chunk precedes the pixels: the first kilobytes of a file are enough.
"""

from collections.abc import Iterator
from dataclasses import replace
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.images.checkpoints import is_whole_name
from app.images.location import NotALocation, location, picture_at
from app.images.picture import Picture
from core.recipe import Seed
from models.finished_models import MODEL_ID

KEYWORD = "digitforge"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LENGTH, _TYPE, _CRC = 4, 4, 4  # bytes of a chunk's frame


class NotAPng(Exception):
    """The bytes are not a PNG, or the PNG is damaged."""


class NoOrigin(Exception):
    """The PNG has no origin, or one that cannot be true."""


class ImageOrigin(BaseModel):
    """What a PNG tells about itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: str
    seed: Seed
    start: int
    n: int
    url: str = Field(description="What draws it again, from the root of a server.")
    weights: str | None = Field(None, description="The id of what drew it, where `model` names a checkpoint of a job.")


def origin_of(picture: Picture) -> ImageOrigin:
    """The origin that is written into the PNG of a picture."""
    return ImageOrigin(
        model=picture.model,
        seed=picture.seed,
        start=picture.start,
        n=picture.n,
        url=location(picture),
        weights=picture.weights,
    )


def recall(origin: ImageOrigin) -> Picture:
    """The picture of an origin. Raises NoOrigin if no picture has it: the text may come from anyone."""
    try:
        picture = replace(picture_at(origin.url), weights=origin.weights)
    except NotALocation as error:
        raise NoOrigin(f"its URL {error}") from error
    if picture.format != "png" or picture.interpolate is not None:
        raise NoOrigin("its URL leaves open what it draws")
    of_checkpoint = origin.weights is not None
    if of_checkpoint != is_whole_name(picture.model) or not MODEL_ID.fullmatch(picture.model_id):
        raise NoOrigin("its text names no model")
    if origin_of(picture) != origin:
        raise NoOrigin("its text contradicts itself")
    return picture


def as_text(origin: ImageOrigin) -> dict[str, str]:
    """The text of a PNG, by keyword."""
    return {KEYWORD: origin.model_dump_json(exclude_none=True)}


def read(png: bytes) -> ImageOrigin:
    """Read the origin of a PNG, without verifying it. Raises NotAPng or NoOrigin."""
    for kind, data in _chunks(png):
        keyword, _, rest = data.partition(b"\0")
        if kind == b"iTXt" and keyword == KEYWORD.encode():
            _language, _, rest = rest[2:].partition(b"\0")  # behind the compression's flag and method, both 0
            _translated, _, text = rest.partition(b"\0")
            try:
                return ImageOrigin.model_validate_json(text)
            except ValidationError as error:
                raise NoOrigin(f"its text {KEYWORD!r} is not as it was written here") from error
    raise NoOrigin(
        f"it has no text {KEYWORD!r}: it was not drawn here, or was saved anew by a program that left it out"
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and data of each chunk."""
    if not png.startswith(_SIGNATURE):
        raise NotAPng("it does not begin as a PNG does")
    position = len(_SIGNATURE)
    while position < len(png):
        begin = position + _LENGTH
        end = begin + _TYPE + int.from_bytes(png[position:begin])
        chunk, crc = png[begin:end], png[end : end + _CRC]
        if crc32(chunk).to_bytes(_CRC) != crc:
            raise NotAPng(f"it is cut off or altered in the chunk at byte {position}")
        yield chunk[:_TYPE], chunk[_TYPE:]
        position = end + _CRC
