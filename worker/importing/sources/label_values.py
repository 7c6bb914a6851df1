"""What an array of labels says: a class for each image, or nothing that can be one."""

from dataclasses import dataclass, field

import numpy as np

from core.import_report import DatasetWarning
from core.import_vocabulary import DatasetWarningKind
from worker.importing.raw import SourceRejected

LAST_CHARACTER = 0x10FFFF  # NumPy fails on numbers above it
Label = str | int | None


@dataclass(frozen=True)
class LabelValues:
    """A label for each image, and what was made of the array to have them."""

    labels: list[Label]
    notes: list[str] = field(default_factory=list)
    warnings: list[DatasetWarning] = field(default_factory=list)


def labels_of(values: np.ndarray) -> LabelValues:
    """Labels from numbers or text [N] or [N, 1], or from one-hot rows [N, k]. Rows of several classes give none.

    Raises SourceRejected for text that is none.
    """
    if not values.size:
        return LabelValues([None] * len(values))
    if values.ndim > 1 and values[0].size == 1:
        values = values.reshape(len(values))
    if values.ndim == 1:
        return LabelValues(_single(values))
    rows = values.reshape(len(values), -1)
    if values.ndim == 2 and _is_binary(rows):
        if (rows.sum(axis=1) == 1).all():
            return LabelValues(rows.argmax(axis=1).tolist(), [f"Labels were one-hot, of {rows.shape[1]} classes."])
        detail = f"each image may have several of {rows.shape[1]} labels, which are no classes"
    else:
        detail = f"labels of the shape {values.shape[1:]} are no classes"
    hint = "Upload labels with one class for each image to train with classes."
    warning = DatasetWarning(kind=DatasetWarningKind.CLASSES_LEFT_OUT, detail=detail, hint=hint)
    return LabelValues([None] * len(values), [], [warning])


def _is_binary(rows: np.ndarray) -> bool:
    return rows.dtype.kind in "biuf" and bool(((rows == 0) | (rows == 1)).all())


def _single(values: np.ndarray) -> list[Label]:
    if values.dtype.kind in "biu":
        return [int(value) for value in values.tolist()]
    if values.dtype.kind == "f":
        return [_number(value) for value in values.tolist()]
    if np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))).view(np.uint32).max() > LAST_CHARACTER:
        raise SourceRejected("the labels are an array of text with characters that are none")
    return [str(value) or None for value in values.tolist()]


def _number(value: float) -> Label:
    if value != value:
        return None
    return int(value) if value.is_integer() else str(value)
