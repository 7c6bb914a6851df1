"""Every knob of a recipe does something."""

from pathlib import Path
from typing import Any, get_args

import pytest

from core.recipe import Augment, Recipe
from core.run_dir import RunDir
from tests.tiny import tiny_recipe
from tests.worker.training.running import digests, end_digests, run

BASE: dict[str, Any] = {"epochs": 1, "num_images": 16}
HIDDEN: dict[str, Any] = {**BASE, "g_hidden_layers": 1}
CHANGES: dict[str, Any] = {
    "dataset": "other",
    "num_images": 24,
    "seed": 1,
    "classes": 4,
    "epochs": 2,
    "passes": 2,
    "batch_size": 4,
    "d_steps": 2,
    "g_steps": 2,
    "precision": "bfloat16",
    "lr_g": 1e-3,
    "lr_d": 1e-3,
    "lr_decay": 1.0,
    "beta1": 0.9,
    "beta2": 0.9,
    "adam_eps": 0.1,
    "z_dim": 9,
    "g_filters": 5,
    "g_hidden_layers": 1,
    "g_hidden_units": 9,
    "d_filters": 5,
    "d_layers": 1,
    "d_norm": "batch",
    "dropout": 0.5,
    "leaky_slope": 0.1,
    "augment": "translate",
    "label_smoothing": 0.2,
    "r1_gamma": 1.0,
    "ema_half_life_kimg": 0.01,
}
TRIED_ELSEWHERE = {"patience"}  # tests/worker/training/test_patience.py
SERVED_ALONE = {"ema_half_life_kimg"}  # D never sees the average


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> tuple[str, str]:
    run_dir = tmp_path_factory.mktemp("base")
    run(tiny_recipe(**BASE), datasets, run_dir)
    return digests(run_dir)


def test_every_knob_is_tried() -> None:
    assert set(CHANGES) | TRIED_ELSEWHERE == set(Recipe.model_fields)


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "g_hidden_units"])
def test_a_knob_changes_what_is_trained(base: tuple[str, str], datasets: Path, tmp_path: Path, name: str) -> None:
    run(tiny_recipe(**{**BASE, name: CHANGES[name]}), datasets, tmp_path)
    changed = [ours != theirs for ours, theirs in zip(digests(tmp_path), base, strict=True)]
    assert changed == [True, name not in SERVED_ALONE]


def test_hidden_units_change_what_is_trained_where_there_are_hidden_layers(datasets: Path, tmp_path: Path) -> None:
    ends = set()
    for units in (8, CHANGES["g_hidden_units"]):
        run_dir = tmp_path / str(units)
        run(tiny_recipe(**{**HIDDEN, "g_hidden_units": units}), datasets, run_dir)
        ends |= set(digests(run_dir))
    assert len(ends) == 4


def test_passes_are_epochs_without_an_end(datasets: Path, tmp_path: Path) -> None:
    """The steps are the same ones; statistics are measured, and samples and checkpoints made, at the ends alone."""
    for name, knobs in {"epochs": {"epochs": 6}, "passes": {"epochs": 2, "passes": 3}}.items():
        run(tiny_recipe(**{**BASE, **knobs}), datasets, tmp_path / name)
    assert digests(tmp_path / "epochs") == digests(tmp_path / "passes")
    assert len(RunDir(tmp_path / "passes").checkpoint_folders()) == 2


def test_a_run_stopped_within_a_pass_goes_on_to_the_same_bytes(datasets: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(**{**BASE, "passes": 4})
    run(recipe, datasets, tmp_path / "unbroken")
    for stop_after in (3, 2, None):
        run(recipe, datasets, tmp_path / "stopped", stop_after)
    assert end_digests(tmp_path / "stopped") == end_digests(tmp_path / "unbroken")


def test_augmentations_differ(datasets: Path, tmp_path: Path) -> None:
    ends = set()
    for kind in get_args(Augment):
        run(tiny_recipe(**BASE, augment=kind), datasets, tmp_path / kind)
        ends |= set(digests(tmp_path / kind))
    assert len(ends) == 2 * len(get_args(Augment))
