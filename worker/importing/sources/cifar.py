"""The binary version of CIFAR-10 and CIFAR-100: a byte or two of label and 3,072 of pixels, 32x32 planes of colour."""

from collections.abc import Iterator

import numpy as np

from core.import_report import FileProblem
from worker.importing.sources.array_source import ArraySource, Part
from worker.importing.sources.block import Block, Layout
from worker.importing.sources.class_names import names_in, with_names
from worker.importing.sources.label_values import Label
from worker.importing.sources.left_out import left_out
from worker.importing.sources.names_of_parts import split_of, split_word
from worker.importing.sources.unpacked import Unpacked

LAYOUT = Layout(32, 32, 3, planes=True)
PIXELS = 3 * 32 * 32
CLASSES = {1: 10, 2: 100}  # by bytes of label; of two, the second is the finer one
CHECKED = 64  # records


def cifar_labels(head: bytes, size: int) -> int | None:
    """How many bytes of label each record has in a file that begins so, None for another file."""
    for label_bytes, classes in CLASSES.items():
        record = label_bytes + PIXELS
        labels = head[label_bytes - 1 :: record][:CHECKED]
        if size and size % record == 0 and labels and max(labels) < classes:
            return label_bytes
    return None


class CifarSource(ArraySource):
    """Batches of records."""

    format = "cifar"

    def _parts(self, files: list[Unpacked]) -> Iterator[Part | FileProblem]:
        parts: list[Part] = []
        names: list[dict[str, str]] = []
        split_words: set[str | None] = {split_word(file.stem) for file in files}
        for file in files:
            label_bytes = cifar_labels(file.read(0, CHECKED * (PIXELS + 2)), file.size)
            if label_bytes is not None:
                labels = _labels(file, label_bytes)
                block = Block(file, 0, np.dtype(np.uint8), len(labels), LAYOUT, gap=label_bytes)
                split = split_of(split_word(file.stem), split_words)
                parts.append(Part(block, labels, split or ("train" if split_words != {None} else None)))
            elif found := names_in(file):
                names.append(found)
            else:
                yield left_out(file, "a batch of CIFAR or names of classes")
        yield from with_names(parts, names)


def _labels(file: Unpacked, label_bytes: int) -> list[Label]:
    """The last byte of label of each record."""
    record = label_bytes + PIXELS
    labels: list[Label] = []
    for data in file.pieces(1024 * record):
        labels += data[label_bytes - 1 :: record]
    return labels
