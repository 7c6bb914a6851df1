"""A file of arrays, unpacked to disk: arrays are read from where they stand, not all at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.import_kinds import HEAD_BYTES, PACKED, sniff
from core.import_vocabulary import ProblemCode
from worker.importing.members import Member, MemberFault
from worker.importing.sources.scratch import Scratch
from worker.importing.temporary import temporary_file
from worker.importing.unpack import Allowance, Damaged, unpack

PIECE = 2**20  # bytes


@dataclass(frozen=True)
class Unpacked:
    """A file of a source, as a part of the scratch file."""

    name: str  # its path in the source
    scratch: Scratch
    start: int
    size: int

    @property
    def stem(self) -> str:
        """Its name in lower case without folders and without endings such as `.npy` or `.csv.gz`."""
        return self.name.rpartition("/")[2].lower().split(".")[0]

    def read(self, at: int, count: int) -> bytes:
        """Bytes from a place on, fewer at the end."""
        return self.scratch.read(self.start + at, max(0, min(count, self.size - at)))

    def pieces(self, size: int = PIECE) -> Iterator[bytes]:
        """All bytes, so many at a time."""
        for at in range(0, self.size, size):
            yield self.read(at, size)


def unpacked(member: Member, folder: Path, scratch: Scratch) -> Unpacked:
    """Write a file of an archive to disk; a packed one is unpacked. Raises MemberFault and SourceRejected."""
    kind = sniff(member.head(HEAD_BYTES))
    if kind not in PACKED:
        return _written(member.name, member.chunks(), scratch)
    with temporary_file(folder) as packed:
        for chunk in member.chunks():
            packed.write(chunk)
        allowance = Allowance(packed.tell())
        packed.seek(0)
        try:
            return _written(member.name, unpack(packed, kind, allowance), scratch)
        except Damaged as error:
            raise MemberFault(ProblemCode.TRUNCATED, f"cannot be unpacked: {error}") from error


def _written(name: str, chunks: Iterator[bytes], scratch: Scratch) -> Unpacked:
    start = scratch.size
    for chunk in chunks:
        scratch.write(chunk)
    return Unpacked(name, scratch, start, scratch.size - start)
