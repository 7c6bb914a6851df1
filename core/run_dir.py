"""Where a job's files are. The worker and its trainer write them; the API reads samples, checkpoints and the log.

<runs>/<job id>/attempt-001/    JobDir: a RunDir for each attempt, so that a worker that lost its job writes where
                                nobody reads
    recipe.json                 what the run is,
    dataset.sha256              and the digest of the images that it is on
    samples/epoch-0001.png      64 images at fixed latents after each epoch; epoch 0 is before the first
    samples/closest-pairs.png   images of the best epoch beside the training images nearest to them
    checkpoints/epoch-0001/     see models/checkpoint.py
    state/step-00000042/        what a run needs to go on: see worker/training/state.py
    rollback.json               the step at which the run went back: see worker/training/rollback.py
    trainer.log                 what the trainer of this attempt wrote to standard error

An attempt at an import has instead of all these
    options.json                what it is asked for,
    report.json                 what came: an ImportReport,
    problems.jsonl              and the problem of each file,
    dataset/                    the data set until it is where all of them are: see core/dataset_card.py
    importer.log                what the importer of this attempt wrote to standard error
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SAMPLE = re.compile(r"epoch-(\d{4,})\.png")
_CHECKPOINT = re.compile(r"epoch-(\d{4,})")


@dataclass(frozen=True)
class RunDir:
    """The layout of one run. It only names paths: nothing is made, and what is listed is what is there."""

    folder: Path

    @property
    def recipe(self) -> Path:
        """The recipe, as JSON."""
        return self.folder / "recipe.json"

    @property
    def dataset_sha256(self) -> Path:
        """The hex digest of the data set, in a line."""
        return self.folder / "dataset.sha256"

    @property
    def rollback(self) -> Path:
        """The note of a run that went back; most runs have none."""
        return self.folder / "rollback.json"

    @property
    def trainer_log(self) -> Path:
        """The log of this attempt's trainer; a later attempt starts one of its own."""
        return self.folder / "trainer.log"

    @property
    def import_options(self) -> Path:
        """What an import is asked for, as JSON."""
        return self.folder / "options.json"

    @property
    def importer_log(self) -> Path:
        """The log of this attempt's importer."""
        return self.folder / "importer.log"

    @property
    def report(self) -> Path:
        """What an import says of the files that came."""
        return self.folder / "report.json"

    @property
    def problems(self) -> Path:
        """A FileProblem in each line."""
        return self.folder / "problems.jsonl"

    @property
    def dataset(self) -> Path:
        """The data set that an import has made, until it is moved to where all of them are."""
        return self.folder / "dataset"

    @property
    def samples(self) -> Path:
        """The folder of the sample grids."""
        return self.folder / "samples"

    @property
    def closest_pairs(self) -> Path:
        """A PNG of the best model's images that are nearest to training images, each beside that one."""
        return self.samples / "closest-pairs.png"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / "checkpoints"

    @property
    def states(self) -> Path:
        """The folder of the training states."""
        return self.folder / "state"

    def sample(self, epoch: int) -> Path:
        """The sample grid of an epoch, a PNG."""
        return self.samples / f"epoch-{epoch:04d}.png"

    def checkpoint(self, epoch: int) -> Path:
        """The checkpoint folder of an epoch."""
        return self.checkpoints / f"epoch-{epoch:04d}"

    def state(self, step: int) -> Path:
        """The folder of the training state after a step."""
        return self.states / f"step-{step:08d}"

    def sample_epochs(self) -> list[int]:
        """The epochs with a sample grid, in order; epoch 0 is before training."""
        return epochs_of_samples(path.name for path in self.samples.glob("epoch-*.png"))

    def checkpoint_folders(self) -> list[Path]:
        """The checkpoints, in the order of their epochs."""
        names = (path.name for path in self.checkpoints.glob("epoch-*"))
        return [self.checkpoint(epoch) for epoch in epochs_of_checkpoints(names)]

    def state_folders(self) -> list[Path]:
        """The training states, the newest first, whether or not they verify."""
        return sorted(self.states.glob("step-*"), reverse=True)

    def relative(self, path: Path) -> str:
        """A path inside the run as events tell it, such as `samples/epoch-0001.png`."""
        return path.relative_to(self.folder).as_posix()


def epochs_of_samples(names: Iterable[str]) -> list[int]:
    """The epochs of the sample grids among the names in `RunDir.samples`, in order."""
    return sorted(int(match[1]) for name in names if (match := _SAMPLE.fullmatch(name)))


def epochs_of_checkpoints(names: Iterable[str]) -> list[int]:
    """The epochs of the checkpoints among the names in `RunDir.checkpoints`, in order."""
    return sorted(int(match[1]) for name in names if (match := _CHECKPOINT.fullmatch(name)))


@dataclass(frozen=True)
class JobDir:
    """All files of one job: the run directories of its attempts."""

    runs_dir: Path
    job_id: str

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.runs_dir / self.job_id

    def attempt(self, number: int) -> RunDir:
        """The run directory of one attempt, from 1."""
        return RunDir(self.folder / f"attempt-{number:03d}")

    def attempts(self, newest: int) -> Iterator[RunDir]:
        """The run directories of attempts `newest` to 1 that are there, the newest first.

        An attempt has none between its claim and the moment in which its directory appears, with all that the one
        before left; an attempt whose worker vanished meanwhile never gets one.
        """
        return (run for number in range(newest, 0, -1) if (run := self.attempt(number)).folder.is_dir())
