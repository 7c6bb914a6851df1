"""Runs of the real loop on tiny recipes."""

from itertools import count
from pathlib import Path

import torch

from models.card import CARD, DISCRIMINATOR, GENERATOR
from models.files import sha256_of
from models.recipe import Recipe
from worker.training.data import load_dataset
from worker.training.events import Event
from worker.training.loop import train


def run(recipe: Recipe, datasets: Path, run_dir: Path, stop_after: int | None = None) -> list[Event]:
    """Train as the command does, and give what was reported. Asks to stop after `stop_after` steps of this call."""
    events: list[Event] = []
    asked = count()
    dataset = load_dataset(datasets / recipe.dataset, recipe.num_images, recipe.classes)
    end = train(
        recipe, dataset, run_dir, torch.device("cpu"), events.append, lambda: next(asked) == stop_after, "as typed"
    )
    assert end == events[-1]
    return events


def last_checkpoint(run_dir: Path) -> Path:
    return max(path.parent for path in run_dir.glob(f"checkpoints/*/{CARD}"))


def digests(run_dir: Path) -> tuple[str, str]:
    """What the run has made: the digests of its last G and D."""
    checkpoint = last_checkpoint(run_dir)
    return sha256_of(checkpoint / GENERATOR), sha256_of(checkpoint / DISCRIMINATOR)
