"""Where a PNG came from: an iTXt chunk in it that names the model, the images, and the URL that draws it again.

Reading walks the chunks as the PNG specification lays them out (11.3.3.4 for iTXt) and unpacks nothing, so a file from
a stranger costs no more than its bytes. The chunk stands before the pixels: the first kilobytes of a file are enough.
"""

from collections.abc import Iterator
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.recipe import Seed

KEYWORD = "digitforge"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LENGTH, _TYPE, _CRC = 4, 4, 4  # bytes of a chunk's frame


class NotAPng(Exception):
    """Bytes that are no PNG, or a damaged one."""


class NoProvenance(Exception):
    """A PNG that does not say where it came from, or nothing that can be true."""


class Provenance(BaseModel):
    """What a PNG says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: str
    seed: Seed
    start: int
    n: int
    url: str = Field(description="What draws it again, from the root of a server.")


def as_text(provenance: Provenance) -> dict[str, str]:
    """The text for a PNG, by its keyword."""
    return {KEYWORD: provenance.model_dump_json()}


def read(png: bytes) -> Provenance:
    """What a PNG says of itself; nothing of it is verified. Raises NotAPng or NoProvenance."""
    for kind, data in _chunks(png):
        keyword, _, rest = data.partition(b"\0")
        if kind == b"iTXt" and keyword == KEYWORD.encode():
            _language, _, rest = rest[2:].partition(b"\0")  # behind the compression's flag and method, both 0
            _translated, _, text = rest.partition(b"\0")
            try:
                return Provenance.model_validate_json(text)
            except ValidationError as error:
                raise NoProvenance(f"its text {KEYWORD!r} is not as it was written here") from error
    raise NoProvenance(
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
