"""Training on a GPU, where there is one."""

from pathlib import Path

import pytest
import torch

from models.recipe import PRESETS, PresetName
from tests.worker.training.running import last_state
from worker.training.data import EMBEDDED, load_dataset
from worker.training.events import EpochDone, Event
from worker.training.loop import train
from worker.training.state import MANIFEST

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")

IMAGES = 8192
MEANS = ("loss_d", "loss_g", "d_real", "d_fake")


def epochs(run_dir: Path, preset: PresetName, device: str, *, cuda_graph: bool = False) -> list[EpochDone]:
    recipe = PRESETS[preset].model_copy(update={"num_images": IMAGES, "epochs": 2, "batch_size": 64})
    dataset = load_dataset(EMBEDDED / "mnist", IMAGES, recipe.classes)
    events: list[Event] = []
    train(recipe, dataset, run_dir, torch.device(device), events.append, lambda: False, cuda_graph=cuda_graph)
    return [event for event in events if isinstance(event, EpochDone)]


@pytest.mark.parametrize("cuda_graph", [False, True])
@pytest.mark.parametrize("preset", ["faithful", "quality"])
def test_the_losses_are_the_cpus(tmp_path: Path, preset: PresetName, cuda_graph: bool) -> None:
    expected = epochs(tmp_path / "cpu", preset, "cpu")
    found = epochs(tmp_path / "cuda", preset, "cuda", cuda_graph=cuda_graph)
    for ours, theirs in zip(found, expected, strict=True):
        for name in MEANS:  # the noise is another
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=0.25)


@pytest.mark.parametrize("preset", ["faithful", "quality"])
def test_a_launched_graph_does_what_the_operations_do_one_by_one(tmp_path: Path, preset: PresetName) -> None:
    plain = epochs(tmp_path / "plain", preset, "cuda")
    graphed = epochs(tmp_path / "graph", preset, "cuda", cuda_graph=True)
    for ours, theirs in zip(graphed, plain, strict=True):
        for name in MEANS:
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=0.05)


def test_a_state_of_a_gpu_is_not_called_bit_exact(tmp_path: Path) -> None:
    epochs(tmp_path, "smoke", "cuda")
    assert '"bit_exact": false' in (last_state(tmp_path) / MANIFEST).read_text()
