"""A run ends when its scores have not improved for a while, and names its best checkpoint."""

from itertools import count
from pathlib import Path

import pytest
import torch

from core.run_dir import RunDir
from tests.tiny import tiny_recipe
from tests.worker.training.running import end_digests, measured
from worker.training.data import load_dataset
from worker.training.events import EpochDone, Event, Finished
from worker.training.loop import train
from worker.training.scorer import Measured
from worker.training.task import Callbacks, Task

STEPS_PER_EPOCH = 5
DISTANCES = [9.0, 5.0, 6.0, 7.0, 4.0, 8.0, 8.0, 8.0, 8.0]  # of epochs 1, 2, ...


def train_scored(
    datasets: Path, run_dir: Path, patience: int, every: int = 1, stop_after: int | None = None
) -> list[Event]:
    """Train for as many epochs as there are distances, with those of each `every`-th scored."""
    recipe = tiny_recipe(epochs=len(DISTANCES), patience=patience)
    dataset = load_dataset(datasets / recipe.dataset)
    task = Task(recipe, dataset, RunDir(run_dir), torch.device("cpu"))
    assert task.steps_per_epoch == STEPS_PER_EPOCH
    events: list[Event] = []
    asked = count()

    def score(_: object) -> Measured:
        done = max((event.epoch for event in events if isinstance(event, EpochDone)), default=first)
        return measured(frechet=DISTANCES[done])

    first = len(RunDir(run_dir).checkpoint_folders())
    score_every = every * STEPS_PER_EPOCH * recipe.images_per_step
    train(task, Callbacks(events.append, lambda: next(asked) == stop_after, score, score_every))
    return events


def end(events: list[Event]) -> tuple[int, str]:
    """How many epochs the run took, and which checkpoint is its model."""
    finished = events[-1]
    assert isinstance(finished, Finished)
    return finished.step // STEPS_PER_EPOCH, finished.checkpoint


@pytest.mark.parametrize(
    ("patience", "every", "epochs", "best"),
    [(0, 1, 9, 5), (1, 1, 3, 2), (2, 1, 4, 2), (3, 1, 8, 5), (4, 1, 9, 5), (2, 2, 4, 2), (9, 1, 9, 5)],
)
def test_it_ends_so_many_epochs_after_the_best(
    datasets: Path, tmp_path: Path, patience: int, every: int, epochs: int, best: int
) -> None:
    assert end(train_scored(datasets, tmp_path, patience, every)) == (epochs, f"checkpoints/epoch-{best:04d}")
    assert len(RunDir(tmp_path).checkpoint_folders()) == epochs


@pytest.mark.parametrize("stop_after", [STEPS_PER_EPOCH * 4 - 2, STEPS_PER_EPOCH * 4])
def test_a_run_that_was_stopped_ends_where_an_unbroken_one_does(
    datasets: Path, tmp_path: Path, stop_after: int
) -> None:
    train_scored(datasets, tmp_path / "unbroken", 2)
    train_scored(datasets, tmp_path / "stopped", 2, stop_after=stop_after)
    assert end(train_scored(datasets, tmp_path / "stopped", 2)) == (4, "checkpoints/epoch-0002")
    assert end_digests(tmp_path / "stopped") == end_digests(tmp_path / "unbroken")
