"""What one import is to do, and whom it tells how far it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.import_options import ImportOptions
from core.import_report import Source
from worker.importing.events import Reading

REPORT = "report.json"  # an ImportReport, in the output folder
PROBLEMS = "problems.jsonl"  # a FileProblem in each line
DATASET = "dataset"  # the data set's folder, see core/dataset_card.py


@dataclass(frozen=True)
class Task:
    """An import."""

    about: Source
    options: ImportOptions
    name: str
    out: Path  # a folder that exists
    dry_run: bool
    tell: Callable[[Reading], object]
