"""A tar, plain or packed, read file by file from its start."""

from collections.abc import Iterator
from pathlib import Path

from core.import_kinds import Kind
from core.import_limits import MOST_MEMBERS
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.members import Member, MemberFault, too_many_members
from worker.importing.names import admit
from worker.importing.sources.tar_headers import BLOCK, Header, cut_off, read_headers
from worker.importing.stream import Stream
from worker.importing.unpack import PIECE

ENDINGS = {None: "tar", Kind.GZIP: "tar.gz", Kind.BZIP2: "tar.bz2", Kind.XZ: "tar.xz"}
REGULAR = (b"0", b"\0", b"7")
FOLDERS = (b"5", b"D")
LINKS = (b"1", b"2")


class TarArchive:
    """A tar on disk. See members.Archive."""

    def __init__(self, path: Path, packed: Kind | None = None) -> None:
        self.format = ENDINGS[packed]
        self._path = path
        self._packed = packed

    def members(self) -> Iterator[Member | FileProblem]:
        """Its files. Raises SourceRejected."""
        with self._path.open("rb") as file:
            stream = Stream(file, self._packed)
            for number, header in enumerate(read_headers(stream), 1):
                if number > MOST_MEMBERS:
                    raise too_many_members()
                end = stream.position + header.size
                if header.kind not in FOLDERS:
                    yield from _admitted(header, stream)
                if not stream.skip(end - stream.position):
                    raise cut_off()
                stream.take(-header.size % BLOCK)  # which the last file of some tars lacks
            while stream.take(PIECE):  # to the end, where the checksum of a packed one is
                pass


def _admitted(header: Header, stream: Stream) -> Iterator[Member | FileProblem]:
    for admitted in admit(header.name):
        if isinstance(admitted, FileProblem):
            yield admitted
        elif header.kind in LINKS:
            detail = "a link; pack the file that it leads to (tar --dereference --hard-dereference)"
            yield MemberFault(ProblemCode.LINK, detail).dropped(admitted)
        elif header.kind not in REGULAR:
            detail = "a device, a pipe or something else that is no file"
            yield MemberFault(ProblemCode.NOT_AN_IMAGE, detail).dropped(admitted)
        else:
            yield Member(admitted, header.size, _data(stream, header.size))


def _data(stream: Stream, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.take(min(PIECE, size))
        if not piece:
            raise cut_off()
        yield piece
        size -= len(piece)
