"""The files of an archive, one by one, whatever the archive is: zip or tar."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode


class MemberFault(Exception):
    """A member cannot be read: it is truncated, encrypted, too large, or not what its header says."""

    def __init__(self, code: ProblemCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Member(ABC):
    """A regular file in an archive. Read it before the next one is taken."""

    name: str  # its path, as text, with slashes; relative and without `..`

    @abstractmethod
    def read(self, most: int) -> bytes:
        """All its bytes. Raises MemberFault, with `too-large` where there are more than `most`."""

    @abstractmethod
    def head(self, count: int) -> bytes:
        """Its first bytes, which `read` gives again. Raises MemberFault."""


class Archive(Protocol):
    """A zip or a tar that is open for reading.

    Raises SourceRejected for what makes the whole of it unusable: more members than allowed, or more bytes than a
    hundred times its own.
    """

    format: str  # `zip` or `tar`
    total: int | None  # how many members, where the archive says so

    def members(self) -> Iterator[Member | FileProblem]:
        """Its files in order, each call from the start; a problem in the place of each that is left out."""
        ...
