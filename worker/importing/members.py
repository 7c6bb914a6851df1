"""The files of an archive, one by one, whatever the archive is: zip or tar."""

from collections.abc import Iterator
from typing import Protocol

from core.import_limits import MOST_MEMBERS
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.raw import SourceRejected


class MemberFault(Exception):
    """A file cannot be read: it is truncated, encrypted, too large, or not what it says."""

    def __init__(self, code: ProblemCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def dropped(self, file: str) -> FileProblem:
        """The fault as what a report says of this file."""
        return FileProblem(file=file, code=self.code, detail=self.detail, action="dropped")


class Member:
    """A regular file in an archive. It is read once, before the next one is taken."""

    def __init__(self, name: str, size: int, chunks: Iterator[bytes]) -> None:
        self.name = name  # its path, as text, with slashes; relative and without `..`
        self.size = size  # in bytes, as the archive says, which may be a lie
        self._chunks = chunks
        self._ahead = b""

    def head(self, count: int) -> bytes:
        """Its first bytes, fewer where it is shorter; what reads it later gives them again. Raises MemberFault."""
        while len(self._ahead) < count and (chunk := next(self._chunks, b"")):
            self._ahead += chunk
        return self._ahead[:count]

    def chunks(self) -> Iterator[bytes]:
        """All its bytes in parts of some kilobytes, counted as they really are. Raises MemberFault."""
        if self._ahead:
            yield self._ahead
        yield from self._chunks

    def read(self, most: int) -> bytes:
        """All its bytes. Raises MemberFault, with `too-large` where there are more than `most`."""
        parts, size = [], 0
        for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > most:
                raise MemberFault(ProblemCode.TOO_LARGE, f"more than {most:,} bytes; allowed: {most:,}")
        return b"".join(parts)


class Archive(Protocol):
    """A zip or a tar that is open for reading.

    Raises SourceRejected for what makes the whole of it unusable: damage, more members than allowed, or more bytes
    than a hundred times its own.
    """

    format: str  # `zip`, `tar` or `tar.gz`

    def members(self) -> Iterator[Member | FileProblem]:
        """Its files in order, each call from the start.

        In the place of one that is left out comes its problem. One that was repaired comes before its file.
        """
        ...


def too_many_members() -> SourceRejected:
    """The error for an archive of too many files."""
    return SourceRejected(f"more than {MOST_MEMBERS:,} files and folders; allowed: {MOST_MEMBERS:,}")
