"""Runs of the real loop on tiny recipes: in this process, and as the command that the supervisor starts."""

import json
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import torch

from core.card import CARD, DISCRIMINATOR, GENERATOR, verify_checkpoint
from core.files import TEMPORARY_PREFIX, sha256_of
from core.recipe import Recipe
from core.run_dir import RunDir
from tests.tiny import score_sheet
from worker.training.data import load_dataset
from worker.training.events import Event, parse_event
from worker.training.loop import train
from worker.training.scorer import PAIRS, Measured
from worker.training.state import MANIFEST, TENSORS
from worker.training.task import Callbacks, Task

TIMEOUT_S = 300


def run(recipe: Recipe, datasets: Path, run_dir: Path, stop_after: int | None = None) -> list[Event]:
    """Train as the command does, and give what was reported. Asks to stop after `stop_after` steps of this call."""
    events: list[Event] = []
    asked = count()
    dataset = load_dataset(datasets / recipe.dataset, recipe.num_images, recipe.classes)
    task = Task(recipe, dataset, RunDir(run_dir), torch.device("cpu"), "as typed")
    end = train(task, Callbacks(events.append, lambda: next(asked) == stop_after))
    assert end == events[-1]
    return events


def command(run_dir: Path, *more: str) -> list[str]:
    """`python -m worker.training` on one thread of the CPU."""
    own = ["--run-dir", str(run_dir), "--device", "cpu", "--threads", "1"]
    return [sys.executable, "-m", "worker.training", *own, *more]


def execute(run_dir: Path, *more: str, environment: dict[str, str] | None = None) -> tuple[int, list[Event], str]:
    """Run the command to its end: its exit status, what it reported and what it wrote to standard error."""
    done = subprocess.run(command(run_dir, *more), check=False, capture_output=True, timeout=TIMEOUT_S, env=environment)
    return done.returncode, [parse_event(line) for line in done.stdout.splitlines()], done.stderr.decode()


def recipe_arguments(folder: Path, recipe: Recipe, datasets: Path) -> list[str]:
    """The arguments that make the command train this recipe, which is written into `folder`."""
    path = folder / "recipe.json"
    path.write_text(recipe.model_dump_json())
    return ["--recipe", str(path), "--datasets", str(datasets)]


def last_checkpoint(run_dir: Path) -> Path:
    return max(path.parent for path in run_dir.glob(f"checkpoints/*/{CARD}"))


def last_state(run_dir: Path) -> Path:
    return RunDir(run_dir).state_folders()[0]


def digests(run_dir: Path) -> tuple[str, str]:
    """What the run has made: the digests of its last G and D."""
    checkpoint = last_checkpoint(run_dir)
    return sha256_of(checkpoint / GENERATOR), sha256_of(checkpoint / DISCRIMINATOR)


def end_digests(run_dir: Path) -> tuple[str, ...]:
    """The digests of all that a run ends with: what is served, and the last state, which holds all weights."""
    return *digests(run_dir), sha256_of(last_state(run_dir) / TENSORS)


def measured(**scores: Any) -> Measured:
    """What a scorer gives, with closest pairs that tell by their brightness which `frechet` they come with."""
    sheet = score_sheet(**scores)
    return Measured(sheet, torch.full((2 * PAIRS, 28, 28, 1), int(sheet.frechet), dtype=torch.uint8))


def assert_readers_meet_only_whole_folders(run_dir: Path) -> None:
    """Every checkpoint under its name verifies, and the newest state too, where there is one."""
    for checkpoint in run_dir.glob("checkpoints/epoch-*"):
        verify_checkpoint(checkpoint)
    if any(run_dir.glob("state/step-*")):
        newest = last_state(run_dir)
        assert json.loads((newest / MANIFEST).read_bytes())["sha256"] == sha256_of(newest / TENSORS)


def temporaries(run_dir: Path) -> list[Path]:
    """What was left half written anywhere in the run directory."""
    return list(run_dir.rglob(f"{TEMPORARY_PREFIX}*"))
