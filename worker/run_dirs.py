"""Making the run directory of an attempt. `core/run_dir.py` has its layout."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.files import TEMPORARY_PREFIX, link_or_copy, new_folder
from core.run_dir import JobDir, RunDir


def open_attempt(job_dir: JobDir, attempt: int, tick: Callable[[], object] = lambda: None) -> RunDir:
    """Make the directory of an attempt, filled with what the one before left: its state, samples and checkpoints.

    Files are linked, or copied where the file system has no hard links: all of them are replaced as a whole and never
    changed in place. The directory appears whole, so a crash half way leaves no attempt that a later one would start
    from. `tick` is called for each file, because copies may take longer than a lease.
    """
    run = job_dir.attempt(attempt)
    previous = next(job_dir.attempts(attempt - 1), None)
    with new_folder(run.folder, label="attempt") as temporary:
        if previous is not None:
            _link_run(previous, temporary, tick)
    return run


def _link_run(source: RunDir, target: Path, tick: Callable[[], object]) -> None:
    """Link every file of a run, but no temporary ones and not its log. What vanishes meanwhile is left out.

    A worker that was given up may still write there: a training state that is linked in part does not verify, and the
    one before it is taken.
    """
    for name, folders, files in os.walk(source.folder):
        folders[:] = [folder for folder in folders if not folder.startswith(TEMPORARY_PREFIX)]
        copy = target / Path(name).relative_to(source.folder)
        copy.mkdir(exist_ok=True)
        for file in files:
            tick()
            path = Path(name) / file
            if path != source.trainer_log and not file.startswith(TEMPORARY_PREFIX):
                with suppress(FileNotFoundError):
                    link_or_copy(path, copy / file)
