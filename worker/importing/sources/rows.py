"""Rows of numbers in text, as numbers in a temporary file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from math import isqrt

import numpy as np

from core.import_limits import MOST_FILE_BYTES
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.raw import SourceRejected
from worker.importing.sources.block import layout_of
from worker.importing.sources.scratch import Scratch
from worker.importing.sources.unpacked import Unpacked

VALUE = np.dtype(np.float32)
LEAST_COLUMNS = 25
_NUMBER = re.compile(rb'[" ]*[-+.\deE]+[" ]*')
_LIBSVM = re.compile(rb"\s*[-+.\deE]+\s+\d+:\S+\s+\d+:\S+\s+\d+:")
SEPARATORS = (b",", b";", b"\t")  # or blanks
ROWS_AT_ONCE = 4096


@dataclass
class Rows:
    """The rows of a text file: float32 [count, columns] in the scratch file, row by row."""

    name: str
    scratch: Scratch
    start: int
    columns: int = 0
    count: int = 0
    header: list[str] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)

    def parts(self) -> Iterator[np.ndarray]:
        """The rows, some at a time."""
        row = self.columns * VALUE.itemsize
        for k in range(0, self.count, ROWS_AT_ONCE):
            data = self.scratch.read(self.start + k * row, min(ROWS_AT_ONCE, self.count - k) * row)
            yield np.frombuffer(data, VALUE).reshape(-1, self.columns)


def looks_like_rows(head: bytes) -> bool:
    """Whether one of the first two lines of a text holds a row, as far as the head shows them."""
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip().splitlines()[:2]
    return any(
        _LIBSVM.match(line) or _numbers(line.rpartition(_separator(line) or b" ")[0]) is not None for line in lines
    )


def read_rows(file: Unpacked, to: Scratch) -> Rows:
    """Write the numbers of a text file behind all that was unpacked.

    Raises SourceRejected for a line longer than any row.
    """
    rows = Rows(file.name, to, to.size)
    width = _libsvm_width(file)
    for number, line in _lines(file):
        values = _numbers(line) if width is None else _sparse(line, width)
        if values is None:
            if not rows.count and not rows.header and _is_header(line):
                rows.header = [name.decode("utf-8", "replace") for name in line.split(_separator(line))]
            else:
                _bad(rows, number, "no row of numbers")
        elif rows.count and len(values) != rows.columns:
            _bad(rows, number, f"{len(values)} columns; the others have {rows.columns}")
        else:
            rows.columns, rows.count = len(values), rows.count + 1
            to.write(values.tobytes())
    return rows


def _is_header(line: bytes) -> bool:
    """Whether a line is a row of words, and not one of numbers that is broken somewhere."""
    fields = line.split(_separator(line))
    return len(fields) >= LEAST_COLUMNS and 2 * sum(_NUMBER.fullmatch(one) is not None for one in fields) < len(fields)


def _bad(rows: Rows, number: int, detail: str) -> None:
    problem = FileProblem(file=rows.name, code=ProblemCode.BAD_ROW, detail=f"line {number}: {detail}", action="dropped")
    rows.problems.append(problem)


def _lines(file: Unpacked) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers from 1."""
    number, rest = 0, b""
    for piece in chain(file.pieces(), [b"\n"]):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            number += 1
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                yield number, line.strip()
        if len(rest) > MOST_FILE_BYTES:
            raise SourceRejected(f"{file.name}: line {number + 1} has more than {MOST_FILE_BYTES:,} bytes")


def _separator(line: bytes) -> bytes | None:
    """What stands between the fields of a line; None for blanks."""
    return max(SEPARATORS, key=line.count) if any(one in line for one in SEPARATORS) else None


def _numbers(line: bytes) -> np.ndarray | None:
    """A row: float32 [columns]. None for a line that is none."""
    fields = line.replace(b'"', b"").strip(b";,").split(_separator(line))
    if len(fields) < LEAST_COLUMNS:
        return None
    try:
        return np.array(list(map(float, fields)), np.float64).clip(-3e38, 3e38).astype(VALUE)
    except ValueError:
        return None


def _libsvm_width(file: Unpacked) -> int | None:
    """How many columns a file in LIBSVM's format needs; None for another file."""
    width = 0
    for _, line in _lines(file):
        column, colon, _ = line.split()[-1].partition(b":")
        if colon and column.isdigit():
            width = max(width, int(column[:9]))
        elif not width:
            return None
    if width > MOST_FILE_BYTES:
        raise SourceRejected(f"{file.name}: has a column {width:,}; allowed: {MOST_FILE_BYTES:,}")
    side = isqrt(max(0, width - 1)) + 1  # columns behind the last value of all are left out
    return width if layout_of((width,)) else side * side


def _sparse(line: bytes, width: int) -> np.ndarray | None:
    """A row of LIBSVM's format: float32 [1 + width], its label first."""
    values = np.zeros(1 + width, VALUE)
    label, *fields = line.split()
    try:
        values[0] = float(label)
        for one in fields:
            column, _, value = one.partition(b":")
            if not 1 <= int(column) <= width:
                return None
            values[int(column)] = float(value)
    except ValueError:
        return None
    return values
