"""A zip, read file by file. Sizes are counted as they come, so that a forged one changes nothing."""

import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.members import Member, MemberFault
from worker.importing.names import admit, is_utf_8
from worker.importing.sources.zip_directory import Entry, read_directory
from worker.importing.unpack import PIECE, Allowance, Damaged, inflate

LOCAL_HEADER_BYTES = 30
STORED, DEFLATE = 0, 8
METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd", 99: "AES"}


class ZipArchive:
    """A zip on disk. See members.Archive."""

    format = "zip"

    def __init__(self, path: Path) -> None:
        self._path = path

    def members(self) -> Iterator[Member | FileProblem]:
        """Its files. Raises SourceRejected."""
        with self._path.open("rb") as file, self._path.open("rb") as directory:
            in_utf_8 = all(entry.utf_8 or is_utf_8(entry.name) for entry in read_directory(directory))
            allowance = Allowance(os.fstat(file.fileno()).st_size)
            for entry in read_directory(directory):
                if entry.name.endswith(b"/") or stat.S_ISDIR(entry.mode):
                    continue
                for admitted in admit(entry.name, entry.utf_8 or in_utf_8):
                    if isinstance(admitted, FileProblem):
                        yield admitted
                    elif fault := _why_not(entry):
                        yield fault.dropped(admitted)
                    else:
                        yield Member(admitted, entry.size, _checked(entry, file, allowance))


def _why_not(entry: Entry) -> MemberFault | None:
    """Why a file cannot be read, by what the directory says of it."""
    if stat.S_ISLNK(entry.mode):
        return MemberFault(ProblemCode.LINK, "a link; pack the file that it leads to (zip without --symlinks)")
    if entry.encrypted:
        return MemberFault(ProblemCode.ENCRYPTED, "it is encrypted; pack it without a password")
    if entry.method not in (STORED, DEFLATE):
        how = METHODS.get(entry.method, f"method {entry.method}")
        return MemberFault(ProblemCode.UNSUPPORTED_FORMAT, f"it is packed by {how}; allowed: stored, deflate")
    return None


def _checked(entry: Entry, file: BinaryIO, allowance: Allowance) -> Iterator[bytes]:
    """The bytes of a file. Raises MemberFault where they are not those of which the directory speaks."""
    crc = size = 0
    packed = _packed(entry, file)
    try:
        for piece in inflate(packed, allowance) if entry.method == DEFLATE else _stored(packed, allowance):
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            yield piece
    except Damaged as error:
        raise MemberFault(ProblemCode.TRUNCATED, f"it cannot be unpacked: {error}") from error
    if crc != entry.crc or size != entry.size:
        detail = f"it is damaged: {size:,} bytes with another checksum or size than the zip's directory says"
        raise MemberFault(ProblemCode.TRUNCATED, detail)


def _stored(pieces: Iterator[bytes], allowance: Allowance) -> Iterator[bytes]:
    for piece in pieces:
        allowance.take(len(piece))
        yield piece


def _packed(entry: Entry, file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file as they are in the zip. Raises Damaged."""
    header = os.pread(file.fileno(), LOCAL_HEADER_BYTES, min(entry.offset, os.fstat(file.fileno()).st_size))
    if len(header) < LOCAL_HEADER_BYTES or not header.startswith(b"PK\x03\x04"):
        raise Damaged("its header is not where the zip's directory says")
    name_length, extra_length = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    at = entry.offset + LOCAL_HEADER_BYTES + name_length + extra_length
    end = at + entry.packed
    while at < end:
        piece = os.pread(file.fileno(), min(PIECE, end - at), at)
        if not piece:
            raise Damaged("it ends too early")
        yield piece
        at += len(piece)
