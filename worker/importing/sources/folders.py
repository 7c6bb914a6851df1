"""An archive of pictures, with a folder for each class, or without."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from core.import_kinds import ARCHIVES, HEAD_BYTES, HINTS, PACKED, PICTURES, WORDS, Kind, sniff
from core.import_limits import MOST_FILE_BYTES
from core.import_options import ImportOptions
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.depth import Depth
from worker.importing.detect import Found
from worker.importing.layout import Layout, layout_of
from worker.importing.members import Archive, Member, MemberFault
from worker.importing.pictures import Picture, decode
from worker.importing.raw import Item, RawImage

ALLOWED = "PNG, JPEG, WebP, BMP and GIF"
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")  # names that promise a picture


class FoldersSource:
    """See raw.Source."""

    def __init__(self, archive: Archive, found: list[Found], files: int, options: ImportOptions) -> None:
        self.format = archive.format
        self.total: int | None = files
        self._archive = archive
        self._layout = layout_of(one.name for one in found if one.kind in PICTURES)
        if options.labels == "none":
            self._layout = Layout(self._layout.split_level, None, self._layout.validation)
        self._deep = {one.name for one in found if one.deep}
        self._depth = Depth()
        self.notes = list(self._layout.notes)

    def __iter__(self) -> Iterator[Item]:
        self._measure_depth()
        for member in self._archive.members():
            if isinstance(member, FileProblem):
                yield member
                continue
            try:
                picture = _decoded(member)
            except MemberFault as fault:
                yield fault.dropped(member.name)
                continue
            yield from picture.problems
            pixels = picture.pixels if picture.pixels.dtype == np.uint8 else self._depth.in_8_bits(picture.pixels)
            label, split = self._layout.label(member.name), self._layout.split(member.name)
            yield RawImage(member.name, pixels, label, split, picture.mode)

    def _measure_depth(self) -> None:
        """Look at all images of 16 bits before the first one is made one of 8."""
        if not self._deep:
            return
        for member in self._archive.members():
            if isinstance(member, Member) and member.name in self._deep:
                with suppress(MemberFault):  # which is told when the image is read
                    self._depth.look(_decoded(member).pixels)
        self.notes.append(f"{len(self._deep)} grey images of 16 bits; the brightest uses {self._depth.bits} of them.")


def _decoded(member: Member) -> Picture:
    head = member.head(HEAD_BYTES)
    kind = sniff(head)
    if kind not in PICTURES:
        raise _no_picture(kind, head, member.name)
    return decode(member.read(MOST_FILE_BYTES), kind, member.name)


def _no_picture(kind: Kind, head: bytes, name: str) -> MemberFault:
    if kind in WORDS and name.lower().endswith(ENDINGS):
        return MemberFault(ProblemCode.NOT_AN_IMAGE, f"{kind}, whatever its name says")
    if kind in WORDS:
        return MemberFault(ProblemCode.JUNK, f"{kind}, which no image is made of; classes come from folders")
    if kind in PACKED | ARCHIVES:
        return MemberFault(
            ProblemCode.UNSUPPORTED_FORMAT, f"a {kind} file in an archive; unpack it, and pack its files"
        )
    if kind in (Kind.NPY, Kind.IDX):
        return MemberFault(ProblemCode.UNSUPPORTED_FORMAT, f"an {kind} file among pictures; upload it by itself")
    if kind == Kind.HTML:
        return MemberFault(ProblemCode.NOT_AN_IMAGE, HINTS[kind])
    if kind in HINTS:
        return MemberFault(ProblemCode.UNSUPPORTED_FORMAT, HINTS[kind])
    if kind == Kind.EMPTY:
        return MemberFault(ProblemCode.NOT_AN_IMAGE, "an empty file")
    return MemberFault(ProblemCode.NOT_AN_IMAGE, f"begins with 0x{head[:8].hex()}; allowed: {ALLOWED}")
