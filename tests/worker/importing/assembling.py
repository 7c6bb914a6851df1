"""Sources that a test makes up, and what becomes of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.dataset_arrays import DatasetArrays, open_dataset
from core.import_options import ImportOptions
from core.import_report import DatasetWarning, FileProblem, ImportReport
from core.import_report import Source as About
from worker.importing.assemble import assemble
from worker.importing.events import Reading
from worker.importing.raw import Item, RawImage, Source, SourceRejected, Split
from worker.importing.task import DATASET, PROBLEMS, REPORT, Task


@dataclass
class Listed:
    """A source of the items in a list."""

    items: Sequence[Item]
    format: str = "zip"
    total: int | None = None
    notes: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Item]:
        yield from self.items


@dataclass
class Outcome:
    """What an import has left."""

    report: ImportReport
    problems: list[FileProblem]
    dataset: DatasetArrays | None
    dataset_id: str | None
    told: list[Reading]

    @property
    def made(self) -> DatasetArrays:
        assert self.dataset is not None, self.report.rejected
        return self.dataset

    def codes_of(self, file: str) -> list[str]:
        return [problem.code for problem in self.problems if problem.file == file]

    def warning(self, kind: str) -> DatasetWarning | None:
        return next((warning for warning in self.report.warnings if warning.kind == kind), None)


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Pixels that are like no others, uint8."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def raw(
    pixels: np.ndarray, file: str = "a.png", label: str | int | None = None, split: Split | None = None, mode: str = "L"
) -> RawImage:
    return RawImage(file, pixels, label, split, mode)


def many(count: int, shape: tuple[int, ...] = (16, 16, 1), classes: int = 0, seed: int = 0) -> list[RawImage]:
    """So many noisy images, of classes in turn."""
    return [
        raw(noise(shape, 1000 * seed + k), f"{seed}-{k}.png", k % classes if classes else None) for k in range(count)
    ]


def made_of(out: Path, source: Source | Sequence[Item], dry_run: bool = False, **options: Any) -> Outcome:
    """Assemble a source in a folder of its own."""
    out.mkdir()
    told: list[Reading] = []
    about = About(name="a.zip", format="zip", bytes=1, sha256="0" * 64)
    task = Task(about, ImportOptions(**options), "mine", out, dry_run, told.append)
    dataset_id: str | None = None
    try:
        dataset_id = assemble(task, Listed(source) if isinstance(source, Sequence) else source)
    except SourceRejected as error:
        assert not (out / DATASET).exists()
        rejected = str(error)
    report = ImportReport.model_validate_json((out / REPORT).read_bytes())
    assert report.rejected == (None if dataset_id else rejected)
    problems = [FileProblem.model_validate_json(line) for line in (out / PROBLEMS).read_bytes().splitlines()]
    dataset = open_dataset(out / DATASET) if dataset_id and not dry_run else None
    return Outcome(report, problems, dataset, dataset_id, told)
