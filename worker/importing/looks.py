"""What looks wrong with a data set as a whole, and what may help."""

from collections.abc import Callable

import numpy as np

from core.import_options import ImportOptions
from core.import_report import DatasetClass, DatasetWarning
from core.import_vocabulary import DatasetWarningKind
from worker.importing.choice import Choice, as_hex
from worker.importing.made import Made
from worker.importing.propose import FEW_IMAGES
from worker.importing.selection import Selection

MANY = 0.1  # of the images
SOME = 0.01
SEVERAL = 0.05
HARDLY_ANY = 100  # images
SMALL_CLASS = 50  # images; fewer teach no classifier
UNEVEN = 10  # times as many images in the largest class as in the smallest
LOOKED_AT = 500  # images, to tell paper from ink
PAPER, INK = 192, 4  # levels: as bright is the edge; so much darker is the whole
Add = Callable[[DatasetWarningKind, str, str], None]


def warnings_of(
    choice: Choice,
    options: ImportOptions,
    selection: Selection,
    classes: list[DatasetClass],
    squares: np.ndarray,
    made: Made,
) -> list[DatasetWarning]:
    """All warnings but those of the source. `squares` are the sides of the images before they were resized."""
    warnings: list[DatasetWarning] = list(selection.classes.warnings)

    def add(kind: DatasetWarningKind, detail: str, hint: str) -> None:
        warnings.append(DatasetWarning(kind=kind, detail=detail, hint=hint))

    _of_sizes(squares, choice, add)
    _of_background(choice, add)
    if not options.invert and choice.shape.channels == 1:
        _of_paper(made.take(selection.train[:LOOKED_AT]), add)
    _of_repeats(selection, add)
    _of_counts(len(selection.train), classes, add)
    return warnings


def _of_sizes(squares: np.ndarray, choice: Choice, add: Add) -> None:
    small = int((squares < choice.shape.side).sum())
    if small > MANY * len(squares):
        detail = f"{small} of {len(squares)} images are smaller than {choice.shape.side} pixels and were enlarged"
        add(DatasetWarningKind.UPSCALED, detail, "Ask for a smaller `size`, or upload larger images.")


def _of_background(choice: Choice, add: Add) -> None:
    if choice.background is None:
        return
    blank = choice.blank_on[choice.background]
    better = min(choice.blank_on, key=lambda colour: choice.blank_on[colour])
    if choice.blank_on[better] < blank:
        detail = f"{blank} of {choice.transparent} transparent images are blank on {as_hex(choice.background)}"
        fewer = choice.blank_on[better]
        add(DatasetWarningKind.BLANK_ON_BACKGROUND, detail, f"background={as_hex(better)} leaves {fewer} blank.")


def _of_paper(images: np.ndarray, add: Add) -> None:
    edge = np.concatenate(
        [images[:, [0, -1]].reshape(len(images), -1), images[:, :, [0, -1]].reshape(len(images), -1)], 1
    )
    paper = edge.mean(axis=1)
    inked = (paper >= PAPER) & (images.reshape(len(images), -1).mean(axis=1) <= paper - INK)
    if inked.mean() > 0.75:
        detail = "the images are dark on a bright ground; MNIST and its like are bright on black"
        add(DatasetWarningKind.BLACK_ON_WHITE, detail, "Ask for invert=true to have them so.")


def _of_repeats(selection: Selection, add: Add) -> None:
    images = len(selection.train) + len(selection.test)
    if selection.duplicates > SOME * (images + selection.duplicates):
        detail = f"{selection.duplicates} images had the same pixels as another and were dropped"
        add(DatasetWarningKind.DUPLICATES, detail, "The problems name them and the images that stay.")
    if selection.near_duplicates > SEVERAL * images:
        detail = f"{selection.near_duplicates} images are nearly the same as another and were kept"
        add(DatasetWarningKind.NEAR_DUPLICATES, detail, "The problems name them; leave them out if they are copies.")


def _of_counts(train: int, classes: list[DatasetClass], add: Add) -> None:
    if train < HARDLY_ANY:
        detail = f"{train} training images: a model of them will mostly repeat your images"
        add(DatasetWarningKind.FEW_IMAGES, detail, "Upload more; some hundreds are little, thousands are good.")
    elif train < FEW_IMAGES:
        detail = f"{train} training images are few: watch how many drawn images repeat them"
        add(DatasetWarningKind.FEW_IMAGES, detail, "Train with the proposed recipe.")
    if not classes:
        return
    largest, smallest = (choose(classes, key=lambda one: one.train) for choose in (max, min))
    if largest.train > UNEVEN * smallest.train:
        detail = f"{largest.name!r} has {largest.train} training images, {smallest.name!r} has {smallest.train}"
        hint = "Models draw classes by their shares; upload more of the small ones if that is not meant."
        add(DatasetWarningKind.UNEVEN_CLASSES, detail, hint)
    small = [one.name for one in classes if one.train < SMALL_CLASS]
    if small:
        listed = ", ".join(map(repr, small[:5])) + (f" and {len(small) - 5} more" if len(small) > 5 else "")
        detail = f"fewer than {SMALL_CLASS} training images in {listed}"
        add(DatasetWarningKind.SMALL_CLASSES, detail, "No classifier can judge them; train with classes=0.")
