"""A trainer that is killed at the worst moments leaves nothing broken, and its run ends with the same bytes."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from core.crash import VARIABLE
from tests.tiny import tiny_recipe
from tests.worker.training.running import (
    assert_readers_meet_only_whole_folders,
    end_digests,
    execute,
    last_checkpoint,
    last_state,
    recipe_arguments,
    run,
    temporaries,
)

ROOT = Path(__file__).resolve().parents[3]
RECIPE = tiny_recipe(epochs=3, classes=4, r1_gamma=0.1, ema_half_life_kimg=0.05)
CRASHES = [
    ("checkpoint:before-fsync", "after an epoch"),
    ("checkpoint:before-rename", "after an epoch"),
    ("checkpoint:after-rename", "after an epoch"),
    ("epoch:between-checkpoint-and-state", "after an epoch"),
    ("state:before-fsync", "after an epoch"),
    ("state:before-rename", "after an epoch"),
    ("state:after-rename", "after an epoch"),
    ("state:before-rename", "fresh"),
    ("state:half-removed", "fresh"),
    ("checkpoint:half-removed", "before the last state"),
]


@pytest.fixture(scope="module")
def tiny_arguments(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> list[str]:
    return recipe_arguments(tmp_path_factory.mktemp("recipe"), RECIPE, datasets)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Path:
    run_dir = tmp_path_factory.mktemp("unbroken")
    run(RECIPE, datasets, run_dir)
    return run_dir


def begin(run_dir: Path, start: str, unbroken: Path) -> None:
    """Bring a run directory to where the crash is to come."""
    if start == "fresh":
        return
    shutil.copytree(unbroken, run_dir)
    shutil.rmtree(last_state(run_dir))
    if start == "after an epoch":
        shutil.rmtree(last_checkpoint(run_dir))


@pytest.mark.parametrize(("point", "start"), CRASHES)
def test_a_crash_breaks_nothing_and_the_run_ends_with_the_same_bytes(
    unbroken: Path, tiny_arguments: list[str], datasets: Path, tmp_path: Path, point: str, start: str
) -> None:
    run_dir = tmp_path / "run"
    begin(run_dir, start, unbroken)
    crash_file = tmp_path / "crash"
    crash_file.write_text(point)
    environment = {**os.environ, VARIABLE: str(crash_file)}

    assert execute(run_dir, *tiny_arguments, environment=environment)[0] == -signal.SIGKILL
    assert_readers_meet_only_whole_folders(run_dir)

    assert run(RECIPE, datasets, run_dir)[-1].event == "finished"
    assert end_digests(run_dir) == end_digests(unbroken)
    assert_readers_meet_only_whole_folders(run_dir)
    assert temporaries(run_dir) == []


def test_every_point_of_a_run_is_tried() -> None:
    labelled = re.findall(r'crash_point\(f"\{label\}(:[a-z-]+)"\)', (ROOT / "core" / "files.py").read_text())
    named = re.findall(r'crash_point\("([a-z:-]+)"\)', (ROOT / "worker" / "training" / "epoch_end.py").read_text())
    folders = {f"{label}{point}" for label in ("checkpoint", "state") for point in labelled}
    assert {point for point, _ in CRASHES} == folders | set(named)
