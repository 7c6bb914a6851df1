"""Run directories: one for each attempt of a job, so that a worker that lost its job writes where nobody reads.

<runs>/<job id>/attempt-001/
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.files import TEMPORARY_PREFIX, link_or_copy, new_folder
from core.run_dir import TRAINER_LOG, attempt_dir, attempt_dirs


def open_attempt(runs_dir: Path, job_id: str, attempt: int, tick: Callable[[], object] = lambda: None) -> Path:
    """Make the directory of an attempt, filled with what the one before left: its state, samples and checkpoints.

    Files are linked, or copied where the file system has no hard links: all of them are replaced as a whole and never
    changed in place. The directory appears whole, so a crash half way leaves no attempt that a later one would start
    from. `tick` is called for each file, because copies may take longer than a lease.
    """
    folder = attempt_dir(runs_dir, job_id, attempt)
    previous = next(attempt_dirs(runs_dir, job_id, attempt - 1), None)
    with new_folder(folder, label="attempt") as temporary:
        if previous is not None:
            _link_tree(previous, temporary, tick)
    return folder


def _link_tree(source: Path, target: Path, tick: Callable[[], object]) -> None:
    """Link every file below `source`, but no temporary ones and no log. What vanishes meanwhile is left out.

    A worker that was given up may still write there: a training state that is linked in part does not verify, and the
    one before it is taken.
    """
    for name, folders, files in os.walk(source):
        folders[:] = [folder for folder in folders if not folder.startswith(TEMPORARY_PREFIX)]
        copy = target / Path(name).relative_to(source)
        copy.mkdir(exist_ok=True)
        for file in files:
            tick()
            if file != TRAINER_LOG and not file.startswith(TEMPORARY_PREFIX):
                with suppress(FileNotFoundError):
                    link_or_copy(Path(name) / file, copy / file)
