"""The second chance of a run whose numbers are no longer finite: back to its newest state, and on at half the rates.

The step at which that was is in a file, `RunDir.rollback`, so that a run which is stopped afterwards goes on the same
way.
"""

import json

from core.files import write_file
from core.run_dir import RunDir

HALVED = 0.5  # of the learning rates, from then on


def rolled_back_at(run_dir: RunDir) -> int | None:
    """The step at which the run went back, or None."""
    path = run_dir.rollback
    return int(json.loads(path.read_bytes())["step"]) if path.exists() else None


def roll_back(run_dir: RunDir, step: int) -> None:
    """Note that the run goes back."""
    write_file(run_dir.rollback, json.dumps({"step": step}).encode() + b"\n")
