"""Training on a GPU, where there is one."""

from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from core.recipe import PRESETS, PresetName
from core.run_dir import RunDir
from models.checkpoint import load_generator
from models.grid import tile, to_png
from models.sampling import draw
from tests.worker.training.running import last_state
from tests.worker.training.test_gan import state
from worker.training.cuda_graph import WARM_UP_CALLS, CudaGraph
from worker.training.data import EMBEDDED, load_dataset
from worker.training.epoch_end import SAMPLE_COLUMNS, SAMPLE_IMAGES
from worker.training.events import EpochDone, Event, Finished, Started
from worker.training.gan import Gan, seed_all
from worker.training.loop import train
from worker.training.state import MANIFEST
from worker.training.task import Callbacks, Task

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")

IMAGES = 8192
MEANS = ("loss_d", "loss_g", "d_real", "d_fake")


def epochs(
    run_dir: Path, preset: PresetName, device: str, *, precision: str = "float32", cuda_graph: bool = False
) -> list[EpochDone]:
    knobs = {"num_images": IMAGES, "epochs": 2, "batch_size": 64, "precision": precision}
    recipe = PRESETS[preset].model_copy(update=knobs)
    dataset = load_dataset(EMBEDDED / "mnist", IMAGES, recipe.classes)
    events: list[Event] = []
    task = Task(recipe, dataset, RunDir(run_dir), torch.device(device), cuda_graph=cuda_graph)
    train(task, Callbacks(events.append, lambda: False))
    return [event for event in events if isinstance(event, EpochDone)]


@cache
def epochs_of_the_cpu(preset: PresetName) -> list[EpochDone]:
    with TemporaryDirectory() as folder:
        return epochs(Path(folder), preset, "cpu")


@pytest.mark.parametrize("cuda_graph", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("preset", ["faithful", "quality"])
def test_the_losses_are_the_cpus(tmp_path: Path, preset: PresetName, precision: str, cuda_graph: bool) -> None:
    expected = epochs_of_the_cpu(preset)
    found = epochs(tmp_path / "cuda", preset, "cuda", precision=precision, cuda_graph=cuda_graph)
    for ours, theirs in zip(found, expected, strict=True):
        for name in MEANS:  # the noise is another, and what G and D make of it in their first epochs too
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=0.5)


@pytest.mark.parametrize("preset", ["faithful", "quality"])
def test_a_launched_graph_does_what_the_operations_do_one_by_one(preset: PresetName) -> None:
    smooth = {"lr_g": 0.1, "lr_d": 0.1, "adam_eps": 0.1}  # Adam's first updates would be the gradient's sign alone
    recipe = PRESETS[preset].model_copy(update={"batch_size": 64, **smooth})
    dataset = load_dataset(EMBEDDED / "mnist", IMAGES, recipe.classes)
    plain, graphed = (Gan(recipe, dataset, torch.device("cuda")) for _ in range(2))
    launch = CudaGraph(graphed.step)
    for number in range(WARM_UP_CALLS + 5):
        for gan, do_step in ((plain, plain.step), (graphed, launch)):
            seed_all(number, "chosen", 0)
            gan.chosen.copy_(torch.randint(IMAGES, gan.chosen.shape))
            gan.set_rates(1 / (1 + number))
            seed_all(number, "step", 0)
            do_step()
        ours, theirs = state(graphed), state(plain)
        for name, tensor in theirs.items():
            torch.testing.assert_close(ours[name], tensor, rtol=1e-3, atol=1e-5, msg=f"{name} after step {number}")


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    recipe = PRESETS["smoke"].model_copy(update={"epochs": 4})
    dataset, asked = load_dataset(EMBEDDED / "mnist", recipe.num_images, recipe.classes), count()
    events: list[Event] = []
    for should_stop in (lambda: next(asked) == 10, lambda: False):
        train(Task(recipe, dataset, RunDir(tmp_path), torch.device("cuda")), Callbacks(events.append, should_stop))
    started = [event.step for event in events if isinstance(event, Started)]
    assert started == [0, 10]
    assert isinstance(events[-1], Finished)


def test_a_sample_grid_is_what_the_cpu_draws(tmp_path: Path) -> None:
    (*_, last) = epochs(tmp_path, "smoke", "cuda")
    seed = PRESETS["smoke"].seed
    drawn = draw(load_generator(tmp_path / last.checkpoint), seed, 0, SAMPLE_IMAGES)
    assert (tmp_path / last.sample).read_bytes() == to_png(tile(drawn, SAMPLE_COLUMNS, pad=2, scale=1))


def test_a_state_of_a_gpu_is_not_called_bit_exact(tmp_path: Path) -> None:
    epochs(tmp_path, "smoke", "cuda")
    assert '"bit_exact": false' in (last_state(tmp_path) / MANIFEST).read_text()
