"""The run directories of jobs on this machine's disk. `core/run_dir.py` has their layout."""

from pathlib import Path

from core.files import remove_tree
from core.run_dir import JobDir


class Runs:
    """The runs under one root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def of(self, job_id: str) -> JobDir:
        """The files of a job on this machine."""
        return JobDir(self.root, job_id)

    def remove(self, job_id: str) -> bool:
        """Remove all files of a job; whether nothing is left of them."""
        return remove_tree(self.of(job_id).folder)
