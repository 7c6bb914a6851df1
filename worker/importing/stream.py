"""A file that is read once from its start, plain or packed."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from core.import_kinds import Kind
from worker.importing.raw import SourceRejected
from worker.importing.unpack import PIECE, Allowance, Damaged, unpack


class Stream:
    """Bytes in their order. Raises SourceRejected where they cannot be unpacked."""

    def __init__(self, file: BinaryIO, packed: Kind | None = None) -> None:
        self.position = 0  # of the next byte, unpacked
        self._file = file if packed is None else None
        self._size = os.fstat(file.fileno()).st_size
        self._pieces = iter(()) if packed is None else _pieces(file, packed, self._size)
        self._ahead = b""

    def take(self, count: int) -> bytes:
        """The next bytes: `count` of them, or fewer where it ends."""
        if self._file is not None:
            data = self._file.read(count)
        else:
            parts, missing = [], count
            while missing and (piece := self._ahead or next(self._pieces, b"")):
                parts.append(piece[:missing])
                self._ahead = piece[missing:]
                missing -= len(parts[-1])
            data = b"".join(parts)
        self.position += len(data)
        return data

    def skip(self, count: int) -> bool:
        """Leave out the next bytes. False where it ends before."""
        if self._file is not None:
            self.position = min(self.position + count, self._size + 1)
            self._file.seek(self.position)
            return self.position <= self._size
        while count:
            piece = self.take(min(count, PIECE))
            if not piece:
                return False
            count -= len(piece)
        return True


def _pieces(file: BinaryIO, packed: Kind, size: int) -> Iterator[bytes]:
    try:
        yield from unpack(file, packed, Allowance(size))
    except Damaged as error:
        raise SourceRejected(f"the {packed} file cannot be unpacked: {error}; upload the whole file") from error
