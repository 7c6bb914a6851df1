"""NumPy's arrays: an npy, several of them in a zip or a tar, or an npz, which is a zip of them.

MedMNIST, QuickDraw (a file a class), Keras' `mnist.npz`, the data sets that this service gives out. No header is
believed before the bytes are there, and arrays of Python objects, which are pickles, are never opened.
"""

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from core.image_shape import ImageShape
from core.import_kinds import HEAD_BYTES, Kind, sniff
from core.import_limits import MOST_BAD_SHARE
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.raw import SourceRejected
from worker.importing.sources.array_source import ArraySource, Part
from worker.importing.sources.block import Block, layout_of, whole_images
from worker.importing.sources.label_values import Label, labels_of
from worker.importing.sources.left_out import left_out
from worker.importing.sources.names_of_parts import IMAGES, LABELS, shared_words, split_of, split_word, words
from worker.importing.sources.unpacked import Unpacked
from worker.importing.sources.values import Scale

HEADER_BYTES = 2**14
MOST_AXES = 8
OURS = {"train_images", "test_images"}  # of a download; with labels also:
OURS_LABELLED = {"train_labels", "test_labels", "class_names"}


@dataclass(frozen=True)
class _Array:
    file: Unpacked
    kind: np.dtype
    shape: tuple[int, ...]
    offset: int
    columns_first: bool

    @property
    def name(self) -> str:
        return self.file.name.removesuffix(".npy")

    def values(self) -> np.ndarray:
        """All values, of an array that is no larger than labels are."""
        values = np.frombuffer(self.file.read(self.offset, prod(self.shape) * self.kind.itemsize), self.kind)
        return values.reshape(self.shape, order="F" if self.columns_first else "C")


class NpySource(ArraySource):
    """Arrays by name. Names tell images from labels, and shapes where names do not."""

    format = "npy"

    def _parts(self, files: list[Unpacked]) -> Iterator[Part | FileProblem]:
        arrays: list[_Array] = []
        for file in files:
            if sniff(file.read(0, HEAD_BYTES)) != Kind.NPY:
                yield left_out(file, "an npy file")
                continue
            try:
                arrays.append(_read_header(file))
            except ValueError as error:
                text = str(error)
                code = ProblemCode.TRUNCATED if text.startswith("ends") else ProblemCode.UNSUPPORTED_FORMAT
                yield FileProblem(file=file.name, code=code, detail=text, action="dropped")
        by_name = {array.name: array for array in arrays}
        names = by_name.get("class_names")
        class_names = labels_of(names.values()).labels if names is not None and names.kind.kind == "U" else []
        self.made_for = _made_for(by_name)
        labels = [array for array in arrays if _is_labels(array)]
        images = [array for array in arrays if array not in labels and array.shape[0] and layout_of(array.shape[1:])]
        if any(_says(array, IMAGES) for array in images):
            images = [array for array in images if _says(array, IMAGES)]
        for array in arrays:
            if array not in labels + images and array.name != "class_names" and array.shape[0]:
                detail = f"an array of {array.kind.name} {array.shape}, which is neither images nor labels"
                yield FileProblem(file=array.file.name, code=ProblemCode.NOT_AN_IMAGE, detail=detail, action="dropped")
        yield from self._paired(images, labels, class_names)

    def _scale(self, kind: Block, low: float, high: float) -> Scale:
        if self.made_for is not None and high > 1:  # the masks of someone else's data set
            return Scale(0, 255, kind.kind)
        return super()._scale(kind, low, high)

    def _paired(self, images: list[_Array], labels: list[_Array], class_names: list[Label]) -> Iterator[Part]:
        split_words: set[str | None] = {split_word(array.name) for array in images}
        by_file = len(images) > 1 and not labels and split_words == {None} and not any(_says(a, IMAGES) for a in images)
        if by_file:
            self.notes.append(f"Each of the {len(images)} arrays was taken for a class.")
        shared = shared_words([array.file.stem for array in images]) if by_file else 0
        for array in images:
            part_labels: list[Label] | None = None
            if by_file:
                part_labels = [" ".join(words(array.file.stem)[shared:]) or array.file.stem] * array.shape[0]
            elif (own := _labels_of(array, labels)) is not None:
                found = labels_of(own.values())
                part_labels = _by_name(found.labels, class_names)
                self.notes += [note for note in found.notes if note not in self.notes]
                self.warnings += [warning for warning in found.warnings if warning not in self.warnings]
            yield Part(_block(array), part_labels, split_of(split_word(array.name), split_words))


def _read_header(file: Unpacked) -> _Array:
    """Raises ValueError for what is no array that is read."""
    head = file.read(0, HEADER_BYTES)
    buffer = io.BytesIO(head)
    try:
        version = np.lib.format.read_magic(buffer)
        read = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, columns_first, kind = read(buffer)
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise ValueError(f"its header cannot be read: {error}".partition("\n")[0]) from error
    if kind.hasobject:
        raise ValueError("an array of Python objects, which is a pickle and is never opened; save it as numbers")
    if kind.kind not in "biufU" or not kind.itemsize or not 0 < len(shape) <= MOST_AXES or min(shape) < 0:
        raise ValueError(f"an array of {kind} {shape}; allowed: numbers, one image or label behind the other")
    there = whole_images(shape[0], shape[1:], kind, file.size - buffer.tell())
    if there < shape[0]:
        if columns_first or there < (1 - MOST_BAD_SHARE) * shape[0]:
            raise ValueError(f"ends after {there} of {shape[0]} items; upload the whole file")
        shape = (there, *shape[1:])
    return _Array(file, kind, tuple(shape), buffer.tell(), columns_first)


def _is_labels(array: _Array) -> bool:
    if array.name == "class_names" or not prod(array.shape):
        return False
    if _says(array, LABELS):
        return True
    return not _says(array, IMAGES) and layout_of(array.shape[1:]) is None and len(array.shape) <= 2


def _says(array: _Array, which: frozenset[str]) -> bool:
    return not which.isdisjoint(words(array.name))


def _labels_of(images: _Array, labels: list[_Array]) -> _Array | None:
    """The labels of the same split, if there are as many."""
    return next(
        (
            array
            for array in labels
            if array.shape[0] == images.shape[0] and split_word(array.name) == split_word(images.name)
        ),
        None,
    )


def _by_name(labels: list[Label], names: list[Label]) -> list[Label]:
    if not all(isinstance(label, int) and 0 <= label < len(names) for label in labels):
        return labels
    return [names[label] for label in labels if isinstance(label, int)]


def _made_for(arrays: dict[str, _Array]) -> ImageShape | None:
    """The shape of the images of a data set that `GET /datasets/{dataset}/download` gave."""
    if arrays.keys() not in (OURS, OURS | OURS_LABELLED):
        return None
    images = arrays["train_images"]
    height, width, *channels = images.shape[1:] if len(images.shape) in (3, 4) else (0, 1)
    if images.kind != np.uint8 or height != width or channels not in ([], [3]) or not ImageShape.has_base(height):
        return None
    if not 16 <= height <= 128:
        return None
    return ImageShape.model_validate({"side": height, "channels": 3 if channels else 1})


def _block(array: _Array) -> Block:
    layout = layout_of(array.shape[1:])
    assert layout is not None
    if array.columns_first and len(array.shape) > 1:
        raise SourceRejected(f"{array.file.name}: is in Fortran's order; save it with numpy.ascontiguousarray")
    return Block(array.file, array.offset, array.kind, array.shape[0], layout)
