"""Tables of pixels in text: a row an image, its label in the first or the last column, or nowhere.

Fields stand between commas, semicolons, tabs or blanks, or as `column:value` (LIBSVM's format, in which USPS comes).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.import_options import Labels
from core.import_report import FileProblem
from worker.importing.raw import SourceRejected
from worker.importing.sources.array_source import ArraySource, Members, Part
from worker.importing.sources.block import Block, layout_of
from worker.importing.sources.label_values import labels_of
from worker.importing.sources.left_out import left_out
from worker.importing.sources.names_of_parts import LABELS, split_of, split_word
from worker.importing.sources.rows import LEAST_COLUMNS, VALUE, Rows, read_rows
from worker.importing.sources.unpacked import Unpacked

MOST_GUESSED = 100  # classes in a column that nobody calls labels


class TableSource(ArraySource):
    """Tables in one or more files."""

    format = "csv"

    def __init__(self, members: Members, folder: Path, labels: Labels) -> None:
        super().__init__(members, folder)
        self._labels = labels

    def _parts(self, files: list[Unpacked]) -> Iterator[Part | FileProblem]:
        split_words: set[str | None] = {split_word(file.stem) for file in files}
        for file in files:
            rows = read_rows(file, self._scratch)
            if not rows.count:
                yield left_out(file, f"a table of pixels, with {LEAST_COLUMNS} numbers or more in a row")
                continue
            yield from rows.problems
            yield self._part(rows, split_word(file.stem), split_words)

    def _part(self, rows: Rows, word: str | None, split_words: set[str | None]) -> Part:
        at = self._label_column(rows)
        layout = layout_of((rows.columns - (at is not None),))
        if layout is None:
            raise SourceRejected(
                f"{rows.name}: rows of {rows.columns} numbers are no square images, with or without a label; "
                "allowed: side * side values, three times as many in colour, and one column of labels"
            )
        start, labels = self._scratch.size, []
        for part in rows.parts():
            if at is not None:
                labels.append(part[:, at])
                part = np.delete(part, at, axis=1)
            self._scratch.write(part.tobytes())
        pixels = Unpacked(rows.name, self._scratch, start, self._scratch.size - start)
        block = Block(pixels, 0, VALUE, rows.count, layout)
        return Part(block, labels_of(np.concatenate(labels)).labels if labels else None, split_of(word, split_words))

    def _label_column(self, rows: Rows) -> int | None:
        """Which column has the labels; None where none has."""
        last = rows.columns - 1
        if self._labels in ("first", "last"):
            return 0 if self._labels == "first" else last
        if len(rows.header) == rows.columns:
            for at in (0, last):
                if rows.header[at].strip('" ').lower() in LABELS | {"class"}:
                    return at
        if layout_of((rows.columns,)) or layout_of((last,)) is None:
            return None
        few = next(rows.parts())
        at = next((at for at in (0, last) if _may_be_labels(few[:, at])), 0)
        where = "first" if at == 0 else "last"
        self.notes.append(f"The {where} column was taken for the labels; `labels` says otherwise.")
        return at


def _may_be_labels(column: np.ndarray) -> bool:
    """Whether these are whole numbers, a few different ones; the corner of an image is mostly one."""
    return bool((column == np.rint(column)).all()) and 2 <= len(np.unique(column)) <= MOST_GUESSED
