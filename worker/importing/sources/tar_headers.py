"""The headers of a tar: what its next file is (POSIX.1-2001 ustar and pax, and GNU's long names)."""

from collections.abc import Iterator
from typing import NamedTuple

from worker.importing.raw import SourceRejected
from worker.importing.stream import Stream

BLOCK = 512  # bytes
MOST_OF_AN_EXTENSION = 2**20  # bytes
PAX, PAX_FOR_ALL, LONG_NAME, LONG_LINK, SPARSE = b"x", b"g", b"L", b"K", b"S"


class Header(NamedTuple):
    """A file, a folder or a link. `size` bytes follow in the stream."""

    name: bytes
    size: int
    kind: bytes


def read_headers(stream: Stream) -> Iterator[Header]:
    """What a tar holds. Whoever asks for the next one has left the bytes of the last one, and their padding, behind.

    Raises SourceRejected for a tar that is damaged or ends too early.
    """
    name: bytes | None = None
    pax: dict[bytes, bytes] = {}
    while (block := stream.take(BLOCK)).strip(b"\0"):
        header = _parse(block)
        if header.kind in (PAX, PAX_FOR_ALL, LONG_NAME, LONG_LINK):
            if header.size > MOST_OF_AN_EXTENSION:
                raise damaged()
            data = stream.take(header.size)
            if len(data) < header.size or not stream.skip(-header.size % BLOCK):
                raise cut_off()
            if header.kind == LONG_NAME:
                name = data.rstrip(b"\0")
            elif header.kind == PAX:
                pax = _pax_records(data)
            continue
        if header.kind == SPARSE or any(key.startswith(b"GNU.sparse.") for key in pax):
            raise SourceRejected("the tar holds sparse files; pack it without --sparse")
        header = header._replace(name=pax.get(b"path", name or header.name))
        if b"size" in pax:
            header = header._replace(size=_number(pax[b"size"], 10))
        yield header
        name, pax = None, {}


def damaged() -> SourceRejected:
    """The error for a tar that cannot be read."""
    return SourceRejected("the tar is damaged; pack it again, or upload the whole file")


def cut_off() -> SourceRejected:
    """The error for a tar that ends too early."""
    return SourceRejected("the tar ends too early; upload the whole file")


def _parse(block: bytes) -> Header:
    if len(block) < BLOCK:
        raise cut_off()
    if _number(block[148:156], 8) != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]):
        raise damaged()
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and (prefix := block[345:500].partition(b"\0")[0]):
        name = prefix + b"/" + name
    kind = block[156:157]
    size = 0 if kind in b"123456" else _number(block[124:136], 8)
    return Header(name, size, b"5" if kind in b"\0" and name.endswith(b"/") else kind)


def _number(field: bytes, base: int) -> int:
    """A number in digits, or as GNU writes large ones: 0x80 and the bytes."""
    if field.startswith(b"\x80"):
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0") or b"0"
    if not (digits.isdigit() and len(digits) <= 20):
        raise damaged()
    try:
        return int(digits, base)
    except ValueError:
        raise damaged() from None


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """`LENGTH KEY=VALUE` and a line feed, again and again; LENGTH counts the bytes of all of that."""
    records = {}
    while data:
        digits, _, _ = data[:20].partition(b" ")
        length = _number(digits, 10)
        key, equals, value = data[len(digits) + 1 : length - 1].partition(b"=")
        if not equals or length > len(data):
            raise damaged()
        records[key] = value
        data = data[length:]
    return records
