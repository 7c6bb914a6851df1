"""IDX files (LeCun's format): a magic number that tells type and rank, sizes as big-endian integers, the values.

MNIST, Fashion-MNIST, KMNIST, EMNIST and QMNIST come so. Which file holds images and which labels, their headers say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from core.import_kinds import HEAD_BYTES, Kind, sniff
from core.import_limits import MOST_BAD_SHARE
from core.import_report import DatasetWarning, FileProblem
from core.import_vocabulary import DatasetWarningKind, ProblemCode
from worker.importing.sources.array_source import ArraySource, Part
from worker.importing.sources.block import Block, layout_of, whole_images
from worker.importing.sources.class_names import names_in, with_names
from worker.importing.sources.label_values import Label, labels_of
from worker.importing.sources.left_out import left_out
from worker.importing.sources.names_of_parts import most_alike, set_name, split_of, split_word
from worker.importing.sources.unpacked import Unpacked

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
QMNIST_COLUMNS = 8  # of int32; the first is the class
# Training images and classes of EMNIST's splits, which are stored with rows and columns exchanged.
EMNIST = {(697_932, 62), (697_932, 47), (112_800, 47), (124_800, 26), (124_800, 27), (240_000, 10)}


@dataclass(frozen=True)
class _Idx:
    file: Unpacked
    kind: np.dtype
    shape: tuple[int, ...]
    there: int  # how many of the `shape[0]` items are whole

    @property
    def offset(self) -> int:
        return 4 + 4 * len(self.shape)


class IdxSource(ArraySource):
    """Images and labels in files of their own, in any order and under any names."""

    format = "idx"

    def _parts(self, files: list[Unpacked]) -> Iterator[Part | FileProblem]:
        images: list[_Idx] = []
        labels: list[_Idx] = []
        names: list[dict[str, str]] = []
        for file in files:
            try:
                idx = _read_header(file)
            except ValueError as error:
                code = ProblemCode.TRUNCATED if str(error).startswith("ends") else ProblemCode.NOT_AN_IMAGE
                yield FileProblem(file=file.name, code=code, detail=str(error), action="dropped")
                continue
            if idx is None:
                if found := names_in(file):
                    names.append(found)
                else:
                    yield left_out(file, "an IDX file or names of classes")
                continue
            if idx.there < idx.shape[0]:
                yield _truncated(idx)
            is_labels = len(idx.shape) == 1 or _is_qmnist(idx) or (len(idx.shape) == 2 and not layout_of(idx.shape[1:]))
            (labels if is_labels else images).append(idx)
        parts, problems = self._paired(self._one_set(images), labels)
        yield from problems
        yield from with_names(parts, names)

    def _one_set(self, images: list[_Idx]) -> list[_Idx]:
        """The largest of several data sets, such as the splits of EMNIST."""
        sets: dict[str, list[_Idx]] = {}
        for one in images:
            sets.setdefault(set_name(one.file.stem), []).append(one)
        if len(sets) < 2 or any(split_word(one.file.stem) is None for one in images):
            return images
        largest = max(sets, key=lambda name: sum(one.there for one in sets[name]))
        listed = ", ".join(f"{name or 'one'} ({sum(one.there for one in files)})" for name, files in sets.items())
        self.notes.append(
            f"{len(sets)} data sets came: {listed} images. The largest was taken, {largest}; upload the files of "
            "another by themselves to have that one."
        )
        return sets[largest]

    def _paired(self, images: list[_Idx], labels: list[_Idx]) -> tuple[list[Part], list[FileProblem]]:
        parts: list[Part] = []
        problems: list[FileProblem] = []
        split_words = [split_word(one.file.stem) for one in images]
        if len(images) == 2 and split_words == [None, None] and images[0].there != images[1].there:
            smaller = min(images, key=lambda one: one.there)
            split_words = ["test" if one is smaller else "train" for one in images]
            self.notes.append(f"The smaller file, {smaller.file.name}, was taken for the test images.")
        for one, word in zip(images, split_words, strict=True):
            layout = layout_of(one.shape[1:])
            if layout is None:
                detail = f"holds arrays of {one.shape[1:]}, which are no images"
                code = ProblemCode.NOT_AN_IMAGE
                problems.append(FileProblem(file=one.file.name, code=code, detail=detail, action="dropped"))
                continue
            block = Block(one.file, one.offset, one.kind, one.there, layout)
            parts.append(Part(block, self._labels_for(one, labels), split_of(word, set(split_words))))
        return parts, problems

    def _labels_for(self, images: _Idx, all_labels: list[_Idx]) -> list[Label] | None:
        fitting = [one for one in all_labels if one.shape[0] == images.shape[0]]
        if not fitting:
            if all_labels:
                counts = ", ".join(f"{one.file.name} ({one.shape[0]})" for one in all_labels)
                self.notes.append(
                    f"No labels for the {images.shape[0]} images of {images.file.name}; labels: {counts}."
                )
            return None
        chosen = fitting[most_alike(images.file.stem, [one.file.stem for one in fitting])]
        values = _values(chosen)
        if _is_qmnist(chosen):
            values = values[:, 0]
        found = labels_of(values)
        self.notes += [note for note in found.notes if note not in self.notes]
        self.warnings += [warning for warning in found.warnings if warning not in self.warnings]
        self._look_for_emnist(images, found.labels)
        # Images beyond the last label have none.
        return found.labels + [None] * (images.there - len(found.labels))

    def _look_for_emnist(self, images: _Idx, labels: list[Label]) -> None:
        if (images.shape[0], len(set(labels))) not in EMNIST and "emnist" not in images.file.name.lower():
            return
        if all(warning.kind != DatasetWarningKind.TRANSPOSED for warning in self.warnings):
            detail = "these seem to be images of EMNIST, which are stored with rows and columns exchanged"
            hint = "Ask for transpose=true to have them upright."
            self.warnings.append(DatasetWarning(kind=DatasetWarningKind.TRANSPOSED, detail=detail, hint=hint))


def _read_header(file: Unpacked) -> _Idx | None:
    """The header of an IDX file, None for another file. Raises ValueError for one that is no use."""
    head = file.read(0, HEAD_BYTES)
    if sniff(head) != Kind.IDX:
        return None
    rank = head[3]
    if len(head) < 4 + 4 * rank:
        raise ValueError("ends within its header")
    kind, shape = np.dtype(TYPES[head[2]]), tuple(np.frombuffer(head, ">u4", rank, 4).tolist())
    if not prod(shape):
        raise ValueError(f"holds nothing; its header says {shape}")
    there = whole_images(shape[0], shape[1:], kind, file.size - 4 - 4 * rank)
    if there < (1 - MOST_BAD_SHARE) * shape[0]:
        raise ValueError(f"ends after {there} of {shape[0]} items; upload the whole file")
    return _Idx(file, kind, shape, there)


def _truncated(idx: _Idx) -> FileProblem:
    detail = f"ends after {idx.there} of {idx.shape[0]} items; the others are missing"
    return FileProblem(file=idx.file.name, code=ProblemCode.TRUNCATED, detail=detail, action="repaired")


def _is_qmnist(idx: _Idx) -> bool:
    return idx.kind == ">i4" and idx.shape[1:] == (QMNIST_COLUMNS,)


def _values(idx: _Idx) -> np.ndarray:
    count = idx.there * prod(idx.shape[1:])
    values = np.frombuffer(idx.file.read(idx.offset, count * idx.kind.itemsize), idx.kind)
    return values.reshape(idx.there, *idx.shape[1:])
