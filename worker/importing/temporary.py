"""A file without a name, that is gone when it is closed, however that happens."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

BUFFER = 2**20  # bytes


def temporary_file(folder: Path) -> BinaryIO:
    """Open one for writing and reading, on the disk of `folder`."""
    return cast(BinaryIO, TemporaryFile(dir=folder, buffering=BUFFER))
