"""Run directories: one for each attempt of a job, so that a worker that lost its job writes where nobody reads.

<runs>/<job id>/attempt-001/
"""

import os
import shutil
from pathlib import Path

from core.run_layout import attempt_dir
from models.files import TEMPORARY_PREFIX

TRAINER_LOG = "trainer.log"


def open_attempt(runs_dir: Path, job_id: str, attempt: int) -> Path:
    """Make the directory of an attempt, filled with what the one before left: its state, samples and checkpoints.

    Files are linked, not copied: all of them are replaced as a whole and never changed in place.
    """
    folder = attempt_dir(runs_dir, job_id, attempt)
    earlier = [attempt_dir(runs_dir, job_id, number) for number in range(attempt - 1, 0, -1)]
    previous = next((path for path in earlier if path.is_dir()), None)
    if previous is None:
        folder.mkdir(parents=True, exist_ok=True)
    else:
        ignore = shutil.ignore_patterns(f"{TEMPORARY_PREFIX}*", TRAINER_LOG)
        shutil.copytree(previous, folder, copy_function=os.link, ignore=ignore, dirs_exist_ok=True)
    return folder
