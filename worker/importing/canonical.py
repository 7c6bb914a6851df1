"""A data set's folder, written whole: see core/dataset_card.py."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.card import ID_LENGTH
from core.dataset_arrays import DatasetDigest
from core.dataset_card import CARD, IMAGES, LABELS, PROBLEMS, DatasetCard
from core.files import new_folder
from core.import_report import ImportReport
from core.schema import SCHEMA
from core.version import VERSION
from worker.importing.made import Made
from worker.importing.selection import Selection

CHUNK = 2048  # images


def dataset_id(made: Made, selection: Selection) -> str:
    """The id that the data set has, or would have."""
    digest, images = _digested(made, selection)
    for _ in images:
        pass
    return digest.hexdigest(_labels(selection))[:ID_LENGTH]


def write_dataset(
    folder: Path,
    name: str,
    report: ImportReport,
    made: Made,
    selection: Selection,
    problems: Path,
    tell: Callable[[int], object],
) -> str:
    """Write the images, their labels and the card of a data set, and return its id.

    `problems` is the file with its problems. Raises OSError, and FileExistsError where the folder is there already.
    """
    count, labels, done = len(selection.train) + len(selection.test), _labels(selection), 0
    digest, images = _digested(made, selection)
    with new_folder(folder, "dataset") as new:
        with (new / IMAGES).open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, *made.shape.array)}
            np.lib.format.write_array_header_1_0(file, header)
            for some in images:
                file.write(some.data)
                done += len(some)
                tell(done)
        if labels is not None:
            np.save(new / LABELS, labels)
        shutil.copyfile(problems, new / PROBLEMS)
        card = DatasetCard.model_validate(
            report.model_dump()
            | {"name": name, "sha256": digest.hexdigest(labels), "created_at": datetime.now(UTC), "made_by": VERSION}
            | {"schema_number": SCHEMA}
        )
        (new / CARD).write_text(card.model_dump_json(indent=2), encoding="utf-8")
    return card.dataset_id


def _labels(selection: Selection) -> np.ndarray | None:
    if not selection.classes.names:
        return None
    places = np.concatenate([selection.train, selection.test])
    labels: np.ndarray = selection.classes.numbers[places].astype(np.uint16)
    return labels


def _digested(made: Made, selection: Selection) -> tuple[DatasetDigest, Iterator[np.ndarray]]:
    """The images of a data set in their order, some at a time, and the digest that has seen them afterwards."""
    places = np.concatenate([selection.train, selection.test])
    digest = DatasetDigest(made.shape, len(places), len(selection.train), selection.classes.names)

    def images() -> Iterator[np.ndarray]:
        for start in range(0, len(places), CHUNK):
            some = made.take(places[start : start + CHUNK])
            digest.update(some)
            yield some

    return digest, images()
