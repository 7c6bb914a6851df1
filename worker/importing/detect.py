"""What was uploaded, by its bytes alone: an archive and what is in it, or one file, packed or not."""

import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from core.import_kinds import HEAD_BYTES, HINTS, PACKED, Kind, sniff
from core.import_report import FileProblem
from worker.importing.depth import is_16_bit_grey
from worker.importing.members import Archive, Member, MemberFault
from worker.importing.raw import SourceRejected
from worker.importing.sources.tar_archive import TarArchive
from worker.importing.sources.zip_archive import ZipArchive
from worker.importing.stream import Stream


class Found(NamedTuple):
    """A file in an archive."""

    name: str
    size: int  # bytes, as the archive says
    kind: Kind
    inner: Kind | None  # of what it unpacks to, where it is a gzip
    deep: bool  # whether it is a grey picture of 16 bits


@dataclass(frozen=True)
class Upload:
    """What was uploaded."""

    path: Path
    kind: Kind  # of its content, unpacked
    packed: Kind | None = None  # how it is packed: gzip, bzip2 or xz
    archive: Archive | None = None
    found: list[Found] = field(default_factory=list)  # the files of the archive that can be read, in order
    files: int = 0  # of the archive, with those that cannot be read

    def kinds(self) -> Counter[Kind]:
        """How many files of the archive are of each kind; of a gzip it is what it unpacks to."""
        return Counter(one.inner or one.kind for one in self.found)


def look_at(path: Path) -> Upload:
    """Find out what a file is. Raises SourceRejected for what is never opened, with what would do instead."""
    with path.open("rb") as file:
        kind, packed = sniff(file.read(HEAD_BYTES)), None
        if kind in PACKED:
            kind, packed = sniff(_unpacked_head(file, kind)), kind
    if kind in HINTS:
        raise SourceRejected(f"this is {kind}: {HINTS[kind]}")
    if kind == Kind.EMPTY:
        raise SourceRejected("the file is empty")
    if packed is not None and (kind in PACKED or kind == Kind.ZIP):
        raise SourceRejected(f"this is a {kind} file in a {packed} file; upload the {kind} file itself")
    archive: Archive | None = None
    if kind == Kind.ZIP:
        archive = ZipArchive(path)
    elif kind == Kind.TAR:
        archive = TarArchive(path, packed)
    if archive is None:
        return Upload(path, kind, packed)
    files = [_found(member) for member in archive.members() if _is_of_a_file(member)]
    return Upload(path, kind, packed, archive, [one for one in files if one is not None], len(files))


def _unpacked_head(file: BinaryIO, packed: Kind) -> bytes:
    file.seek(0)
    return Stream(file, packed).take(HEAD_BYTES)


def _is_of_a_file(item: Member | FileProblem) -> bool:
    """Whether it is a file, or stands in the place of one."""
    return isinstance(item, Member) or item.action == "dropped"


def _found(member: Member | FileProblem) -> Found | None:
    """What a file is; None where it cannot be read, which will be told when it is."""
    if isinstance(member, FileProblem):
        return None
    try:
        head = member.head(HEAD_BYTES)
    except MemberFault:
        return None
    kind = sniff(head)
    inner = _inner_kind(head) if kind == Kind.GZIP else None
    return Found(member.name, member.size, kind, inner, is_16_bit_grey(head, kind))


def _inner_kind(head: bytes) -> Kind:
    try:
        return sniff(zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, HEAD_BYTES))
    except zlib.error:
        return Kind.UNKNOWN
