"""The directory of a zip: what files it says it has (PKWARE, APPNOTE.TXT, sections 4.3 to 4.5)."""

import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from core.import_limits import MOST_MEMBERS
from worker.importing.members import too_many_members
from worker.importing.raw import SourceRejected

HEADER = struct.Struct("<4s2BHHHHHLLLHHHHHLL")  # of a file in the directory
END = struct.Struct("<4sHHHHLLH")
END_64 = struct.Struct("<4sQHHLLQQQQ")
LOCATOR_64 = struct.Struct("<4sLQL")
LONGEST_COMMENT = 2**16
FULL = 2**32 - 1  # in the place of a number that stands in the extra field
EXTRA_64, EXTRA_UNICODE_PATH = 1, 0x7075
DOS, UNIX = 0, 3
ENCRYPTED, UTF_8 = 1, 2**11  # flags


class Entry(NamedTuple):
    """A file, as the directory has it. Nothing of it is trusted."""

    name: bytes
    utf_8: bool  # the name, for sure
    encrypted: bool
    method: int  # 0 stored, 8 deflate
    crc: int
    packed: int  # bytes
    size: int  # bytes
    offset: int  # of its own header, in the file
    mode: int  # as stat(2) has it; 0 where the directory does not say


def read_directory(file: BinaryIO) -> Iterator[Entry]:
    """The files of a zip in the order of its directory.

    Raises SourceRejected where there is none, it is damaged, or has too many.
    """
    start, size, shift = _find_directory(file)
    file.seek(start)
    number = 0
    while size >= HEADER.size:
        number += 1
        if number > MOST_MEMBERS:
            raise too_many_members()
        raw = file.read(HEADER.size)
        if len(raw) < HEADER.size or not raw.startswith(b"PK\x01\x02"):
            raise _damaged()
        fields = HEADER.unpack(raw)
        _, _, system, _, flags, method, _, _, crc, packed, unpacked = fields[:11]
        name_length, extra_length, comment_length, _, _, attributes, offset = fields[11:]
        rest = file.read(name_length + extra_length + comment_length)
        size -= HEADER.size + len(rest)
        if len(rest) < name_length + extra_length + comment_length:
            raise _damaged()
        name, extra = rest[:name_length], dict(_extra_fields(rest[name_length : name_length + extra_length]))
        big = extra.get(EXTRA_64, b"")
        unpacked, big = _big_number(unpacked, big)
        packed, big = _big_number(packed, big)
        offset, _ = _big_number(offset, big)
        if system == DOS and b"/" not in name:
            name = name.replace(b"\\", b"/")
        in_unicode = _unicode_path(name, extra.get(EXTRA_UNICODE_PATH, b""))
        utf_8 = in_unicode is not None or bool(flags & UTF_8)
        mode = attributes >> 16 if system == UNIX else 0
        encrypted = bool(flags & ENCRYPTED)
        yield Entry(in_unicode or name, utf_8, encrypted, method, crc, packed, unpacked, offset + shift, mode)


def _find_directory(file: BinaryIO) -> tuple[int, int, int]:
    """Where the directory starts, its bytes, and by how much its offsets are off for what stands before the zip."""
    length = file.seek(0, os.SEEK_END)
    tail_at = max(0, length - END.size - LONGEST_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    at = _end_record(tail)
    _, _, _, _, _, size, start, _ = END.unpack_from(tail, at)
    end = tail_at + at
    if end >= LOCATOR_64.size:
        file.seek(end - LOCATOR_64.size)
        signature, _, at_64, _ = LOCATOR_64.unpack(file.read(LOCATOR_64.size))
        if signature == b"PK\x06\x07":
            file.seek(min(at_64, length))
            raw = file.read(END_64.size)
            if len(raw) == END_64.size and raw.startswith(b"PK\x06\x06"):
                *_, size, start = END_64.unpack(raw)
                end = at_64
    shift = end - size - start
    if shift < 0:
        raise _damaged()
    return start + shift, size, shift


def _end_record(tail: bytes) -> int:
    """Where the record is with which a zip ends, before its comment, which may hold anything."""
    last = at = tail.rfind(b"PK\x05\x06", 0, len(tail) - END.size + 4)
    while at >= 0:
        if at + END.size + END.unpack_from(tail, at)[-1] == len(tail):
            return at
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if last < 0:
        raise SourceRejected("the zip ends too early: its directory is missing; upload the whole file")
    return last


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        yield kind, extra[4 : 4 + length]
        extra = extra[4 + length :]


def _big_number(number: int, extra: bytes) -> tuple[int, bytes]:
    """A number, from the extra field where it is too big for its own, and what is left of the extra field."""
    if number != FULL or len(extra) < 8:
        return number, extra
    return int.from_bytes(extra[:8], "little"), extra[8:]


def _unicode_path(name: bytes, extra: bytes) -> bytes | None:
    """The name in UTF-8 that Info-ZIP keeps beside one in another encoding, unless the other was changed since."""
    if len(extra) > 5 and extra[0] == 1 and int.from_bytes(extra[1:5], "little") == zlib.crc32(name):
        return extra[5:]
    return None


def _damaged() -> SourceRejected:
    return SourceRejected("the zip is damaged: its directory cannot be read; pack it again, or upload the whole file")
