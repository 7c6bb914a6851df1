"""What the jobs train: a data set and a few recipes, each trained once undisturbed for the bytes that must come out."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.card import verify_checkpoint
from core.recipe import Recipe
from core.run_dir import RunDir
from tests.tiny import digit_like, tiny_recipe, write_dataset
from worker.training.events import Finished, parse_event

IMAGES, CLASSES, EPOCHS = 256, 3, 6
TIMEOUT_S = 180.0

RECIPES: dict[str, Recipe] = {
    "plain": tiny_recipe(epochs=EPOCHS, seed=1),
    "penalty": tiny_recipe(epochs=EPOCHS, seed=2, r1_gamma=1.0),
    "classes": tiny_recipe(epochs=EPOCHS, seed=3, classes=CLASSES),
    "average": tiny_recipe(epochs=EPOCHS, seed=4, d_norm="batch", augment="translate", ema_half_life_kimg=0.5),
}


class Golden(NamedTuple):
    """The digests of both networks' files, after a run that nobody disturbs."""

    model: dict[str, str]  # of the checkpoint that becomes the model
    checkpoints: dict[str, dict[str, str]]  # of each, by its folder's name


def write_images(datasets: Path) -> None:
    """The data set of all recipes."""
    write_dataset(datasets / "tiny", digit_like(IMAGES), np.arange(IMAGES) % CLASSES)


def train_golden(folder: Path, datasets: Path) -> dict[str, Golden]:
    """Train each recipe in peace, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda name: train_undisturbed(folder / name, RECIPES[name], datasets), RECIPES)
    return dict(zip(RECIPES, runs, strict=True))


def train_undisturbed(folder: Path, recipe: Recipe, datasets: Path) -> Golden:
    """What a recipe gives in one run, made in a folder that is not there."""
    folder.mkdir(parents=True)
    (folder / "given.json").write_text(recipe.model_dump_json(), encoding="utf-8")
    run_dir = folder / "run"
    command = [sys.executable, "-m", "worker.training", "--recipe", str(folder / "given.json")]
    command += ["--datasets", str(datasets), "--run-dir", str(run_dir), "--threads", "1", "--device", "cpu"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=TIMEOUT_S).stdout.splitlines()
    finished = parse_event(lines[-1])
    assert isinstance(finished, Finished), finished
    return Golden(
        model=verify_checkpoint(run_dir / finished.checkpoint).sha256,
        checkpoints={path.name: verify_checkpoint(path).sha256 for path in RunDir(run_dir).checkpoint_folders()},
    )
