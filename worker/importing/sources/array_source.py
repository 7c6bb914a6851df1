"""What every source of arrays does: unpack its files, see which are images and which labels, give image by image."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.image_shape import ImageShape
from core.import_report import DatasetWarning, FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.members import Member, MemberFault
from worker.importing.raw import Item, RawImage, SourceRejected, Split
from worker.importing.sources.block import Block, bounds
from worker.importing.sources.label_values import Label
from worker.importing.sources.scratch import Scratch
from worker.importing.sources.unpacked import Unpacked, unpacked
from worker.importing.sources.values import Scale, scale_of

Members = Callable[[], Iterator[Member | FileProblem]]


@dataclass(frozen=True)
class Part:
    """Images and their labels."""

    images: Block
    labels: list[Label] | None = None
    split: Split | None = None


class ArraySource(ABC):
    """A `Source` that may also know what its images were made for, and what is wrong with them as a whole."""

    format: str
    total: int | None = None
    made_for: ImageShape | None = None  # the shape of a data set that was downloaded from here: shape and split stay

    def __init__(self, members: Members, folder: Path) -> None:
        self._members, self._folder = members, folder
        self.notes: list[str] = []
        self.warnings: list[DatasetWarning] = []

    def __iter__(self) -> Iterator[Item]:
        """As `Source` has it."""
        with closing(Scratch(self._folder)) as self._scratch:
            files: list[Unpacked] = []
            for member in self._members():
                if isinstance(member, FileProblem):
                    yield member
                    continue
                try:
                    file = unpacked(member, self._folder, self._scratch)
                except MemberFault as fault:
                    yield fault.dropped(member.name)
                    continue
                files.append(file)
            parts: list[Part] = []
            for found in self._parts(files):
                if isinstance(found, Part):
                    parts.append(found)
                else:
                    yield found
            if not parts:
                raise SourceRejected(f"no images in this {self.format}")
            self.total = sum(part.images.count for part in parts)
            yield from self._images(parts)

    @abstractmethod
    def _parts(self, files: list[Unpacked]) -> Iterator[Part | FileProblem]:
        """The images among the files, with their labels, and what is wrong with the files."""

    def _scale(self, kind: Block, low: float, high: float) -> Scale:
        return scale_of(kind.kind, low, high)

    def _images(self, parts: list[Part]) -> Iterator[Item]:
        scale = self._scale(parts[0].images, *bounds([part.images for part in parts]))
        self.notes += [
            note for note in dict.fromkeys([scale.note, *(part.images.layout.note for part in parts)]) if note
        ]
        mode = str(scale)
        for part in parts:
            name = part.images.file.name
            for k, pixels in enumerate(part.images.images(scale)):
                file = f"{name}#{k}"
                if pixels is None:
                    detail = "has values that are no numbers"
                    yield FileProblem(file=file, code=ProblemCode.NOT_AN_IMAGE, detail=detail, action="dropped")
                else:
                    yield RawImage(file, pixels, part.labels[k] if part.labels else None, part.split, mode)
