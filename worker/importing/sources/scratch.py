"""One temporary file for all that a source unpacks, since a process may have few files open."""

import os
from pathlib import Path

from core.import_limits import MOST_UNPACKED_BYTES
from worker.importing.raw import SourceRejected
from worker.importing.temporary import temporary_file


class Scratch:
    """A file that grows at its end and is read at any place."""

    def __init__(self, folder: Path) -> None:
        self._file = temporary_file(folder)
        self.size = 0  # bytes

    def write(self, data: bytes) -> None:
        """Add bytes. Raises SourceRejected when there are too many."""
        self.size += len(data)
        if self.size > MOST_UNPACKED_BYTES:
            raise SourceRejected(
                f"its arrays unpack to more than {MOST_UNPACKED_BYTES >> 30} GiB; upload fewer of them"
            )
        self._file.write(data)

    def read(self, at: int, count: int) -> bytes:
        """The bytes from a place on, fewer at the end."""
        self._file.flush()
        return os.pread(self._file.fileno(), count, at)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
