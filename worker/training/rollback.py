"""The second chance of a run whose numbers are no longer finite: back to its newest state, and on at half the rates.

    <run_dir>/rollback.json    the step at which that was

It is a file and not a variable, so that a run which is stopped afterwards goes on the same way.
"""

import json
from pathlib import Path

from core.files import write_file

FILE = "rollback.json"
HALVED = 0.5  # of the learning rates, from then on


def rolled_back_at(run_dir: Path) -> int | None:
    """The step at which the run went back, or None."""
    path = run_dir / FILE
    return int(json.loads(path.read_bytes())["step"]) if path.exists() else None


def roll_back(run_dir: Path, step: int) -> None:
    """Note that the run goes back."""
    write_file(run_dir / FILE, json.dumps({"step": step}).encode() + b"\n")
