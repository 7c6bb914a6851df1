"""Packed bytes, unpacked piece by piece, and counted as they come: what a header says of sizes is never trusted."""

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from core.import_kinds import Kind
from core.import_limits import ALWAYS_UNPACKED, MOST_RATIO
from worker.importing.raw import SourceRejected

PIECE = 2**16  # bytes
LZMA_MEMORY = 2**27  # bytes: twice the dictionary of `xz -9`

DAMAGE = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)  # as the decompressors say it


class Damaged(Exception):
    """Packed bytes that cannot be unpacked, or end too early."""


class Allowance:
    """How many bytes a source may unpack to: a hundred for each of its own, and some megabytes whatever its size."""

    def __init__(self, packed: int) -> None:
        self._packed = packed
        self._most = max(ALWAYS_UNPACKED, MOST_RATIO * packed)
        self._taken = 0

    def take(self, count: int) -> None:
        """Count bytes that were unpacked. Raises SourceRejected."""
        self._taken += count
        if self._taken > self._most:
            raise SourceRejected(
                f"{self._packed:,} bytes unpack to more than {self._most:,}, as bombs do; allowed: {MOST_RATIO} bytes "
                f"for each byte that is uploaded, or {ALWAYS_UNPACKED:,}"
            )


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def inflate(pieces: Iterator[bytes], allowance: Allowance) -> Iterator[bytes]:
    """Unpack a deflate stream without a header, as zips have it. Raises Damaged, also where it ends too early."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    while not stream.eof:
        piece = stream.unconsumed_tail or next(pieces, b"")
        try:
            data = stream.decompress(piece, PIECE)
        except zlib.error as error:
            raise Damaged(str(error)) from error
        if not (piece or data):
            raise Damaged("it ends too early")
        allowance.take(len(data))
        if data:
            yield data


def unpack(file: BinaryIO, kind: Kind, allowance: Allowance) -> Iterator[bytes]:
    """Unpack a gzip, bzip2 or xz file from where it stands, all its streams. Raises Damaged."""
    decompressor: _Decompressor | None = None
    rest = b""
    while piece := rest or file.read(PIECE):
        rest = b""
        if decompressor is None:
            if not piece.strip(b"\0"):  # as some programs fill up the last block
                continue
            decompressor = _decompressor(kind)
        data = _decompress(decompressor, piece)
        while data:
            allowance.take(len(data))
            yield data
            data = b"" if decompressor.eof or decompressor.needs_input else _decompress(decompressor, b"")
        if decompressor.eof:
            rest, decompressor = decompressor.unused_data, None
    if decompressor is not None:
        raise Damaged("it ends too early")


def _decompress(decompressor: _Decompressor, data: bytes) -> bytes:
    try:
        return decompressor.decompress(data, PIECE)
    except DAMAGE as error:
        raise Damaged(str(error)) from error


def _decompressor(kind: Kind) -> _Decompressor:
    match kind:
        case Kind.GZIP:
            return _Gzip()
        case Kind.BZIP2:
            return bz2.BZ2Decompressor()
        case _:
            return lzma.LZMADecompressor(memlimit=LZMA_MEMORY)


class _Gzip:
    """zlib's decompressor with the manners of the other two."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._full

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._full = len(out) == max_length
        return out
