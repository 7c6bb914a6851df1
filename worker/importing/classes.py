"""The classes of a data set: numbers from 0 without gaps, the labels that came as their names."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.import_limits import MOST_CLASSES
from core.import_options import Labels
from core.import_report import DatasetWarning
from core.import_vocabulary import DatasetWarningKind
from core.validation import legible

UNLABELLED = -1
LEAST_LABELLED = 0.5  # of the images; below it the few labels are no classes
MOST_LISTED = 3


@dataclass(frozen=True)
class Classes:
    """The class of each image, and what they are called."""

    names: list[str]  # empty where there are no classes
    numbers: np.ndarray  # int32 [N]; -1 has no label
    notes: list[str] = field(default_factory=list)
    warnings: list[DatasetWarning] = field(default_factory=list)


def classes_of(labels: Sequence[str | int | None], option: Labels) -> Classes:
    """Number the labels: as numbers where all are, else by name, `class 2` before `class 10`."""
    none = Classes([], np.full(len(labels), UNLABELLED, np.int32))
    texts = [None if label is None else legible(str(label)) for label in labels]
    counts = Counter(text for text in texts if text is not None)
    if option == "none" or not counts:
        return none
    if counts.total() < LEAST_LABELLED * len(labels):
        return _left_out(none, f"only {counts.total()} of {len(labels)} images have a label", "Label the others too.")
    if len(counts) == 1:
        (name,) = counts
        return Classes([], none.numbers, [f"All images have the label {name!r}, so that there are no classes."])
    if len(counts) > MOST_CLASSES:
        detail = f"the images have {len(counts)} labels; allowed: {MOST_CLASSES} classes"
        return _left_out(none, detail, "Is the label the name of each image? One folder a class is meant.")
    names = sorted(counts, key=_order(list(counts)))
    number = {name: k for k, name in enumerate(names)}
    numbers = [UNLABELLED if text is None else number[text] for text in texts]
    return Classes(names, np.array(numbers, np.int32), _notes(names))


def without_training(classes: Classes, train: np.ndarray) -> Classes:
    """Leave out the classes that no training image is of, and all if one is left. `train` has places of images."""
    if not classes.names:
        return classes
    shown = np.bincount(classes.numbers[train], minlength=len(classes.names)) > 0
    if shown.all():
        return classes
    if shown.sum() < 2:
        return Classes([], np.full_like(classes.numbers, UNLABELLED), classes.notes, classes.warnings)
    number = np.where(shown, np.cumsum(shown) - 1, UNLABELLED)
    names = [name for name, is_shown in zip(classes.names, shown, strict=True) if is_shown]
    numbers = np.where(classes.numbers >= 0, number[classes.numbers], UNLABELLED).astype(np.int32)
    return Classes(names, numbers, classes.notes, classes.warnings)


def _left_out(none: Classes, detail: str, hint: str) -> Classes:
    warning = DatasetWarning(kind=DatasetWarningKind.CLASSES_LEFT_OUT, detail=detail, hint=hint)
    return Classes([], none.numbers, [], [warning])


def _notes(names: list[str]) -> list[str]:
    changed = [(name, k) for k, name in enumerate(names) if name != str(k)]
    if not changed or not all(re.fullmatch(r"-?\d+", name) for name in names):
        return []
    listed = ", ".join(f"{name} is {k}" for name, k in changed[:MOST_LISTED])
    more = ", ..." if len(changed) > MOST_LISTED else ""
    return [f"Labels became class numbers from 0 to {len(names) - 1}: {listed}{more}. The labels are their names."]


def _order(names: Sequence[str]) -> Callable[[str], tuple[Any, ...]]:
    """The sort key of labels."""
    return _as_number if all(re.fullmatch(r"-?\d{1,18}", name) for name in names) else _by_name


def _as_number(name: str) -> tuple[Any, ...]:
    return int(name), name


def _by_name(name: str) -> tuple[Any, ...]:
    parts = re.split(r"(\d{1,18})", name)  # text and digits in turn
    return *((part.casefold(), 0) if k % 2 == 0 else ("", int(part)) for k, part in enumerate(parts)), (name, 0)
