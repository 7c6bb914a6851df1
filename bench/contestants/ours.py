"""The loop of this project, as a job runs it. An argument is the recipe's `precision`."""

import sys
import tempfile
from pathlib import Path

import torch

from bench.contestants.answering import answer
from core.recipe import PRESETS
from core.run_dir import RunDir
from worker.training.data import EMBEDDED, load_dataset
from worker.training.events import EpochDone, Event
from worker.training.loop import train
from worker.training.process import keep_freed_memory
from worker.training.task import Callbacks, Task


def measure(batch_size: int, steps: int) -> float:
    """Images a second over the second of two epochs of `steps` steps, as the job reports it."""
    precision = sys.argv[1] if len(sys.argv) > 1 else "float32"
    knobs = {"batch_size": batch_size, "num_images": batch_size * steps, "epochs": 2, "precision": precision}
    recipe = PRESETS["faithful"].model_copy(update=knobs)
    events: list[Event] = []
    with tempfile.TemporaryDirectory() as run_dir:
        dataset = load_dataset(EMBEDDED / "mnist", recipe.num_images)
        task = Task(recipe, dataset, RunDir(Path(run_dir)), torch.device("cpu"))
        train(task, Callbacks(events.append, lambda: False))
    return [event.images_per_s for event in events if isinstance(event, EpochDone)][-1]


if __name__ == "__main__":
    keep_freed_memory()
    torch.set_flush_denormal(True)
    answer(measure)
