"""Where a job's files are. The worker writes them, the API reads its samples, its checkpoints and its log."""

import re
from collections.abc import Iterator
from pathlib import Path

TRAINER_LOG = "trainer.log"

_SAMPLE = re.compile(r"epoch-(\d{4,})\.png")
_CHECKPOINT = re.compile(r"epoch-(\d{4,})")


def job_dir(runs_dir: Path, job_id: str) -> Path:
    """Where all files of a job are."""
    return runs_dir / job_id


def attempt_dir(runs_dir: Path, job_id: str, attempt: int) -> Path:
    """The run directory of one attempt of a job."""
    return job_dir(runs_dir, job_id) / f"attempt-{attempt:03d}"


def attempt_dirs(runs_dir: Path, job_id: str, newest: int) -> Iterator[Path]:
    """The run directories of attempts `newest` to 1 that are there, the newest first.

    An attempt has none between its claim and the moment in which its directory appears, with all that the one before
    left; an attempt whose worker vanished meanwhile never gets one.
    """
    numbers = range(newest, 0, -1)
    return (folder for number in numbers if (folder := attempt_dir(runs_dir, job_id, number)).is_dir())


def sample_epochs(run_dir: Path) -> list[int]:
    """The epochs with a sample grid, in order; epoch 0 is before training."""
    names = (path.name for path in (run_dir / "samples").glob("epoch-*.png"))
    return sorted(int(match[1]) for name in names if (match := _SAMPLE.fullmatch(name)))


def sample_path(run_dir: Path, epoch: int) -> Path:
    """The sample grid of an epoch."""
    return run_dir / "samples" / f"epoch-{epoch:04d}.png"


def checkpoint_path(run_dir: Path, epoch: int) -> Path:
    """The checkpoint of an epoch."""
    return run_dir / "checkpoints" / f"epoch-{epoch:04d}"


def checkpoint_folders(run_dir: Path) -> list[Path]:
    """The checkpoints, in the order of their epochs."""
    found = ((_CHECKPOINT.fullmatch(path.name), path) for path in (run_dir / "checkpoints").glob("epoch-*"))
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]
