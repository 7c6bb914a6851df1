"""Which source of arrays reads an upload, by what its bytes are."""

from collections.abc import Callable, Iterator
from pathlib import Path

from core.import_kinds import Kind
from core.import_options import ImportOptions
from core.import_report import FileProblem
from worker.importing.detect import Upload
from worker.importing.members import Member, MemberFault
from worker.importing.sources.array_source import ArraySource, Members
from worker.importing.sources.cifar import CHECKED, PIXELS, CifarSource, cifar_labels
from worker.importing.sources.idx import IdxSource
from worker.importing.sources.npy import NpySource
from worker.importing.sources.rows import looks_like_rows
from worker.importing.sources.table import TableSource
from worker.importing.stream import Stream
from worker.importing.unpack import PIECE

HEAD_OF_TABLE = 2**17  # bytes: two rows of 128x128 pixels or so


def open_arrays(upload: Upload, name: str, options: ImportOptions, folder: Path) -> ArraySource | None:
    """The source that reads an upload; None where it holds no arrays.

    `name` is that of the file that was uploaded, `folder` where it may unpack. Raises SourceRejected.
    """
    members = upload.archive.members if upload.archive is not None else _alone(upload, name)
    kinds = upload.kinds() if upload.archive is not None else {upload.kind: 1}
    source: ArraySource
    if Kind.NPY in kinds:
        source = NpySource(members, folder)
    elif Kind.IDX in kinds:
        source = IdxSource(members, folder)
    elif Kind.UNKNOWN in kinds and _any(members, _is_cifar):
        source = CifarSource(members, folder)
    elif Kind.TEXT in kinds and _any(members, lambda member: looks_like_rows(member.head(HEAD_OF_TABLE))):
        source = TableSource(members, folder, options.labels)
    else:
        return None
    if upload.archive is not None:
        source.format = f"{source.format} in {upload.archive.format}" if set(kinds) != {Kind.NPY} else "npz"
    return source


def _alone(upload: Upload, name: str) -> Members:
    def members() -> Iterator[Member | FileProblem]:
        with upload.path.open("rb") as file:
            stream = Stream(file, upload.packed)
            yield Member(name, upload.path.stat().st_size, iter(lambda: stream.take(PIECE), b""))

    return members


def _any(members: Members, what: Callable[[Member], bool]) -> bool:
    for member in members():
        try:
            if isinstance(member, Member) and what(member):
                return True
        except MemberFault:  # which is told when it is read
            continue
    return False


def _is_cifar(member: Member) -> bool:
    size = member.size
    return cifar_labels(member.head(CHECKED * (PIXELS + 2)), size) is not None
