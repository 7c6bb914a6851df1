"""A file of arrays, unpacked to a temporary file: arrays are read from where they stand, not all at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.import_kinds import HEAD_BYTES, PACKED, sniff
from core.import_vocabulary import ProblemCode
from worker.importing.members import Member, MemberFault
from worker.importing.temporary import temporary_file
from worker.importing.unpack import Allowance, Damaged, unpack


@dataclass(frozen=True)
class Unpacked:
    """The bytes of a file."""

    name: str  # its path in the source
    file: BinaryIO
    size: int

    @property
    def descriptor(self) -> int:
        """For reads at a place."""
        return self.file.fileno()

    @property
    def stem(self) -> str:
        """Its name in lower case without folders and without endings such as `.npy` or `.csv.gz`."""
        return self.name.rpartition("/")[2].lower().split(".")[0]

    def all(self) -> bytes:
        """All bytes, of a file that is known to be small."""
        self.file.seek(0)
        return self.file.read()


def unpacked(member: Member, folder: Path) -> Unpacked:
    """Write a file of an archive to disk; a packed one is unpacked. Raises MemberFault and SourceRejected."""
    kind = sniff(member.head(HEAD_BYTES))
    file = _written(member.chunks(), folder)
    if kind in PACKED:
        with file as packed:
            allowance = Allowance(packed.tell())
            packed.seek(0)
            try:
                file = _written(unpack(packed, kind, allowance), folder)
            except Damaged as error:
                raise MemberFault(ProblemCode.TRUNCATED, f"cannot be unpacked: {error}") from error
    return Unpacked(member.name, file, file.tell())


def _written(chunks: Iterator[bytes], folder: Path) -> BinaryIO:
    file = temporary_file(folder)
    try:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file
