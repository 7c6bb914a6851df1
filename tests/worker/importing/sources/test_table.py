"""Tables of pixels: label first or last, header or none, packed or not, and LIBSVM's format."""

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.worker.importing.archives import zipped
from tests.worker.importing.array_files import csv, expected, images, imported, label_of, labels
from tests.worker.importing.assembling import Outcome
from worker.importing.raw import SourceRejected

COUNT = 40
PIXELS = images(COUNT)
PIXELS[:, 0, 0] = PIXELS[:, -1, -1] = 0  # as the corners of digits are
ROWS = PIXELS.reshape(COUNT, -1).tolist()
LABELS = labels(COUNT).tolist()
FIRST = [[label, *row] for label, row in zip(LABELS, ROWS, strict=True)]
LAST = [[*row, label] for label, row in zip(LABELS, ROWS, strict=True)]
NAMES = [f"pixel{k}" for k in range(256)]


def has_all(outcome: Outcome) -> bool:
    return label_of(outcome) == expected(PIXELS, LABELS)


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
@pytest.mark.parametrize(("rows", "where"), [(FIRST, "first"), (LAST, "last")])
def test_the_column_of_labels_is_found(tmp_path: Path, rows: list[list[int]], where: str, separator: str) -> None:
    outcome = imported(tmp_path, csv(rows, separator))
    assert has_all(outcome)
    assert f"The {where} column was taken for the labels; `labels` says otherwise." in outcome.report.notes
    assert outcome.problems == []


@pytest.mark.parametrize(
    "data",
    [
        csv(FIRST, header=["label", *NAMES]),
        csv(LAST, header=[*NAMES, "class"]),
        csv(LAST, ";", header=[*NAMES, "class"]),
        b"\n\n" + csv(FIRST),
        gzip.compress(csv(FIRST)),
        b"\xef\xbb\xbf" + csv(FIRST),
        csv(FIRST).replace(b"\n", b"\r\n"),
        csv([[f'"{value}"' for value in row] for row in FIRST]),
        csv([[f"{value}.0" for value in row] for row in FIRST]),
        csv([[*row, ""] for row in FIRST]),
        zipped({"mnist_train.csv": csv(FIRST), "README.txt": b"Digits.\n"}),
    ],
)
def test_the_ways_in_which_tables_come(tmp_path: Path, data: bytes) -> None:
    assert has_all(imported(tmp_path, data))


def test_splits_have_files_of_their_own(tmp_path: Path) -> None:
    files = {"mnist_train.csv": csv(FIRST[:30]), "mnist_test.csv": csv(FIRST[30:])}
    outcome = imported(tmp_path, zipped(files))
    assert (outcome.report.train, outcome.report.test) == (30, 10)
    assert has_all(outcome)


def test_a_table_without_labels_is_a_data_set_without_classes(tmp_path: Path) -> None:
    outcome = imported(tmp_path, csv(ROWS))
    assert outcome.report.classes is None
    assert len(outcome.made.images) == COUNT


def test_labels_can_be_asked_for_in_a_column(tmp_path: Path) -> None:
    odd = [[*row, k] for k, row in enumerate(ROWS)]  # the last column is a label only if one says so
    assert imported(tmp_path / "1", csv(odd), labels="last").made.card.class_names[-1] == "39"
    assert imported(tmp_path / "2", csv(FIRST), labels="none").report.classes is None


def test_bad_rows_are_named_by_their_lines(tmp_path: Path) -> None:
    rows: list[list[object]] = [list(row) for row in FIRST]
    rows[4] = rows[4][:-3]
    rows[6][8] = "x"
    rows[9] = ["nothing"]
    outcome = imported(tmp_path, csv(rows), "a.csv")
    assert [(one.code, one.detail) for one in outcome.problems] == [
        ("bad-row", "line 5: 254 columns; the others have 257"),
        ("bad-row", "line 7: no row of numbers"),
        ("bad-row", "line 10: no row of numbers"),
    ]
    assert len(outcome.made.images) == COUNT - 3


def test_a_broken_first_row_is_a_bad_row_and_no_header(tmp_path: Path) -> None:
    rows: list[list[object]] = [list(row) for row in FIRST]
    rows[0][8] = "x"
    assert imported(tmp_path, csv(rows)).report.problems == {"bad-row": 1}


def test_a_table_of_mostly_bad_rows_is_refused(tmp_path: Path) -> None:
    rejected = imported(tmp_path, csv([*FIRST[:20], *[row[:100] for row in FIRST[20:]]])).report.rejected
    assert str(rejected).startswith("20 of 40 files cannot be used")


def test_rows_that_are_no_square_are_refused_with_what_is_allowed(tmp_path: Path) -> None:
    rejected = imported(tmp_path, csv([row[:250] for row in ROWS]), "a.csv").report.rejected
    assert str(rejected).startswith("a.csv: rows of 250 numbers are no square images")


@pytest.mark.parametrize("packed", [False, True])
def test_usps_has_values_from_minus_1_to_1_and_labels_from_1(tmp_path: Path, packed: bool) -> None:
    values = PIXELS.reshape(COUNT, -1) / 127.5 - 1
    lines = [
        f"{label + 1} " + " ".join(f"{k}:{value:.6g}" for k, value in enumerate(row, 1))
        for label, row in zip(LABELS, values.tolist(), strict=True)
    ]
    data = "\n".join(lines).encode()
    outcome = imported(tmp_path, bz2.compress(data) if packed else data)
    assert label_of(outcome) == expected(PIXELS, [label + 1 for label in LABELS])
    assert outcome.made.card.class_names == ["1", "2", "3", "4"]
    assert list(outcome.report.modes) == ["float32 -1..1"]


def test_libsvm_leaves_out_what_is_zero(tmp_path: Path) -> None:
    lines = [
        f"{label} " + " ".join(f"{k}:{value}" for k, value in enumerate(row, 1) if value)
        for label, row in zip(LABELS, ROWS, strict=True)
    ]
    assert has_all(imported(tmp_path, "\n".join(lines).encode()))


@pytest.mark.parametrize("data", [b"hello\n" * 50, b"a,b,c\n1,2,3\n", b"1:1\n" * 30])
def test_other_texts_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SourceRejected, match="this is text; allowed"):
        imported(tmp_path, data)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"1 1:1 2:1 3:1 99999999999:1\n" * 30, "column 999,999,999"), (b"1 1:1 2:1 3:1 4:1\n" * 30, "no square images")],
)
def test_rows_of_libsvm_that_are_no_images_are_refused(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in str(imported(tmp_path, data).report.rejected)


def test_a_row_with_a_number_that_is_none_is_dropped(tmp_path: Path) -> None:
    rows: list[list[object]] = [list(row) for row in FIRST]
    rows[3][7] = "nan"
    outcome = imported(tmp_path, csv(rows), "a.csv")
    assert outcome.codes_of("a.csv#3") == ["not-an-image"]
    assert np.array_equal(sorted(label_of(outcome)), sorted(expected(np.delete(PIXELS, 3, 0), LABELS[:3] + LABELS[4:])))
