"""Start is resume: a run that was interrupted ends with the bytes of one that was not."""

import json
import random
import shutil
import signal
import subprocess
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from core.card import read_card
from core.files import sha256_of
from core.recipe import Recipe
from core.run_dir import RunDir
from tests.programs import running
from tests.tiny import flip_byte, tiny_recipe
from tests.worker.training.running import (
    assert_readers_meet_only_whole_folders,
    command,
    digests,
    end_digests,
    last_checkpoint,
    last_state,
    recipe_arguments,
    run,
)
from worker.training.data import load_dataset
from worker.training.events import EpochDone, Started, Stopped, parse_event
from worker.training.loop import train
from worker.training.process import numerics
from worker.training.state import MANIFEST, TENSORS
from worker.training.task import Callbacks, Task

# 5 steps an epoch, or 2: every kind of randomness, and every kind of state
RECIPES: dict[str, dict[str, Any]] = {
    "plain": {"d_layers": 1},
    "everything": {
        "d_steps": 2,
        "g_steps": 2,
        "augment": "translate",
        "dropout": 0.5,
        "r1_gamma": 0.1,
        "ema_half_life_kimg": 0.05,
        "g_hidden_layers": 1,
        "g_hidden_units": 8,
    },
    "of classes": {"classes": 4, "d_norm": "batch", "lr_decay": 0.5, "ema_half_life_kimg": 0.05},
    "in bfloat16": {"precision": "bfloat16", "d_layers": 3, "r1_gamma": 0.1, "classes": 4},
}
STOPS = {"plain": (0, 1, 4, 5, 9), "everything": (1, 2, 3), "of classes": (3, 7), "in bfloat16": (4,)}


def recipe_named(name: str) -> Recipe:
    return tiny_recipe(**RECIPES[name])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> dict[str, Path]:
    found = {name: tmp_path_factory.mktemp(name) for name in RECIPES}
    for name, run_dir in found.items():
        run(recipe_named(name), datasets, run_dir)
    return found


def assert_same_end(run_dir: Path, other: Path) -> None:
    assert digests(run_dir) == digests(other)
    assert read_card(last_checkpoint(run_dir)).losses == read_card(last_checkpoint(other)).losses
    assert RunDir(run_dir).sample_epochs() == RunDir(other).sample_epochs()
    for epoch in RunDir(run_dir).sample_epochs():
        assert sha256_of(RunDir(run_dir).sample(epoch)) == sha256_of(RunDir(other).sample(epoch))


@pytest.mark.parametrize(("name", "stop"), [(name, stop) for name, stops in STOPS.items() for stop in stops])
def test_a_stopped_run_ends_with_the_same_bytes(
    unbroken: dict[str, Path], datasets: Path, tmp_path: Path, name: str, stop: int
) -> None:
    recipe = recipe_named(name)
    assert run(recipe, datasets, tmp_path, stop_after=stop)[-1] == Stopped(step=stop)
    started = run(recipe, datasets, tmp_path)[0]
    assert isinstance(started, Started)
    assert started.step == stop
    assert_same_end(tmp_path, unbroken[name])


def test_a_run_stopped_after_every_step_ends_with_the_same_bytes(
    unbroken: dict[str, Path], datasets: Path, tmp_path: Path
) -> None:
    recipe = recipe_named("everything")
    ends = [run(recipe, datasets, tmp_path, stop_after=1)[-1].event for _ in range(5)]
    assert ends == ["stopped"] * 3 + ["finished"] * 2
    assert_same_end(tmp_path, unbroken["everything"])


class PowerCut(Exception):
    pass


@pytest.mark.parametrize("step", [3, 7])
def test_a_killed_run_goes_on_from_its_last_epoch(
    unbroken: dict[str, Path], datasets: Path, tmp_path: Path, step: int
) -> None:
    recipe, asked = recipe_named("plain"), count()

    def cut_power() -> bool:
        if next(asked) == step:
            raise PowerCut
        return False

    task = Task(recipe, load_dataset(datasets / "tiny"), RunDir(tmp_path), torch.device("cpu"))
    with pytest.raises(PowerCut):
        train(task, Callbacks(lambda _: None, cut_power))
    started = run(recipe, datasets, tmp_path)[0]
    assert isinstance(started, Started)
    assert started.step == step // 5 * 5
    assert_same_end(tmp_path, unbroken["plain"])


def test_a_run_killed_between_checkpoint_and_state_makes_the_checkpoint_again(
    unbroken: dict[str, Path], datasets: Path, tmp_path: Path
) -> None:
    shutil.copytree(unbroken["plain"], tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "state" / "step-00000010")
    started = run(recipe_named("plain"), datasets, tmp_path)[0]
    assert isinstance(started, Started)
    assert started.step == 5
    assert_same_end(tmp_path, unbroken["plain"])


def test_a_damaged_state_costs_an_epoch_and_not_the_run(
    unbroken: dict[str, Path], datasets: Path, tmp_path: Path
) -> None:
    shutil.copytree(unbroken["plain"], tmp_path, dirs_exist_ok=True)
    flip_byte(tmp_path / "state" / "step-00000010" / TENSORS, -1)
    started = run(recipe_named("plain"), datasets, tmp_path)[0]
    assert isinstance(started, Started)
    assert started.step == 5
    assert_same_end(tmp_path, unbroken["plain"])
    started = run(recipe_named("plain"), datasets, tmp_path)[0]
    assert isinstance(started, Started)
    assert started.step == 10  # the damage is mended


@pytest.mark.parametrize("entry", ["torch", "numpy", "code", "device", "threads", "cpu_capability"])
def test_a_run_that_goes_on_with_other_numerics_is_marked_for_good(datasets: Path, tmp_path: Path, entry: str) -> None:
    recipe = tiny_recipe(d_layers=1, epochs=4)
    run(recipe, datasets, tmp_path, stop_after=7)
    path = last_state(tmp_path) / MANIFEST
    manifest = json.loads(path.read_text())
    assert manifest["numerics"] == numerics(torch.device("cpu"))
    manifest["numerics"][entry] += " of another kind"
    path.write_text(json.dumps(manifest))

    started = [run(recipe, datasets, tmp_path, stop_after=stop)[0] for stop in (5, None)]
    assert [event.bit_exact for event in started if isinstance(event, Started)] == [False, False]
    cards = [read_card(tmp_path / "checkpoints" / f"epoch-{epoch:04d}") for epoch in range(1, 5)]
    assert [card.bit_exact for card in cards] == [True, False, False, False]
    assert json.loads((last_state(tmp_path) / MANIFEST).read_text())["bit_exact"] is False


def test_a_run_that_is_only_interrupted_stays_bit_exact(datasets: Path, tmp_path: Path) -> None:
    recipe = recipe_named("plain")
    started = [run(recipe, datasets, tmp_path, stop_after=stop)[0] for stop in (3, 4, None)]
    assert [event.bit_exact for event in started if isinstance(event, Started)] == [True] * 3
    assert read_card(last_checkpoint(tmp_path)).bit_exact


def test_a_run_that_is_killed_at_any_moment_ends_with_the_same_bytes(datasets: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=10, classes=4, r1_gamma=0.1, ema_half_life_kimg=0.05)
    arguments = recipe_arguments(tmp_path, recipe, datasets)
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    run(recipe, datasets, unbroken)
    for _ in range(3):
        with running(command(killed, *arguments), stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            next(line for line in process.stdout if isinstance(parse_event(line), EpochDone))
            time.sleep(random.uniform(0, 0.1))
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert_readers_meet_only_whole_folders(killed)
    run(recipe, datasets, killed)
    assert end_digests(killed) == end_digests(unbroken)
    assert read_card(last_checkpoint(killed)).bit_exact
