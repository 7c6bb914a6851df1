"""A run whose numbers are no longer finite goes back once, and on at half the rates."""

from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.card import read_card
from core.recipe import Recipe
from core.run_dir import RunDir
from tests.tiny import tiny_recipe
from tests.worker.training.running import digests, last_checkpoint, run
from worker.training.data import load_dataset
from worker.training.errors import Diverged
from worker.training.events import EpochDone, Event, Started, Warned
from worker.training.loop import train
from worker.training.rollback import rolled_back_at
from worker.training.state import TENSORS
from worker.training.task import Callbacks, Task


def overflowing(rate: float) -> Recipe:
    """D's weights grow by the rate in a step, and the penalty with their sixth power: past float32 from 2^13.2 on."""
    return tiny_recipe(d_layers=3, r1_gamma=1.0, epochs=3).model_copy(update={"lr_d": rate, "lr_g": 1e-4})


def forget_recipe(run_dir: Path) -> None:
    """A rate above 1 is no recipe that could be read again."""
    (run_dir / "recipe.json").unlink()


ONCE, ALWAYS = overflowing(2**13.75), overflowing(2**17)


def test_the_second_chance_ends_well(datasets: Path, tmp_path: Path) -> None:
    events = run(ONCE, datasets, tmp_path)
    (warned,) = [event for event in events if isinstance(event, Warned)]
    assert warned.kind == "not-finite"
    assert rolled_back_at(RunDir(tmp_path)) == warned.step
    first, second = [event for event in events if isinstance(event, Started)]
    done = [event.step for event in events[: events.index(warned)] if isinstance(event, EpochDone)]
    assert first.step == 0
    assert second.step == max(done, default=0)
    assert events[-1].event == "finished"


def test_a_card_says_that_the_run_went_back(datasets: Path, tmp_path: Path) -> None:
    run(ONCE, datasets, tmp_path)
    card = (last_checkpoint(tmp_path) / "card.json").read_text()
    assert f'"rolled_back_at": {rolled_back_at(RunDir(tmp_path))}' in card
    run(tiny_recipe(), datasets, tmp_path / "sound")
    assert read_card(last_checkpoint(tmp_path / "sound")).rolled_back_at is None


def test_a_run_that_is_stopped_after_it_went_back_ends_with_the_same_bytes(datasets: Path, tmp_path: Path) -> None:
    run(ONCE, datasets, tmp_path / "unbroken")
    went_back = rolled_back_at(RunDir(tmp_path / "unbroken"))
    assert went_back is not None
    broken = tmp_path / "broken"
    while run(ONCE, datasets, broken, stop_after=went_back)[-1].event != "finished":
        forget_recipe(broken)
    assert rolled_back_at(RunDir(broken)) == went_back
    assert digests(broken) == digests(tmp_path / "unbroken")


def test_a_run_that_goes_back_to_where_it_was_stopped_is_no_longer_bit_exact(datasets: Path, tmp_path: Path) -> None:
    run(ONCE, datasets, tmp_path, stop_after=1)  # an unbroken run would have gone back to step 0
    forget_recipe(tmp_path)
    events: list[Event] = []
    with suppress(Diverged):  # the steps after may go either way
        task = Task(ONCE, load_dataset(datasets / "tiny"), RunDir(tmp_path), torch.device("cpu"))
        train(task, Callbacks(events.append, lambda: False))
    started = [event for event in events if isinstance(event, Started)]
    assert [(event.step, event.bit_exact) for event in started] == [(1, True), (1, False)]


def test_the_second_time_it_fails(datasets: Path, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=r"at step \d+; a lower lr_g and lr_d"):
        run(ALWAYS, datasets, tmp_path)
    assert rolled_back_at(RunDir(tmp_path)) is not None
    forget_recipe(tmp_path)
    with pytest.raises(Diverged):
        run(ALWAYS, datasets, tmp_path)


@pytest.mark.parametrize("stop", range(1, 11))
def test_what_a_stop_saves_is_worth_going_on_from(datasets: Path, tmp_path: Path, stop: int) -> None:
    run(ONCE, datasets, tmp_path, stop_after=stop)
    newest = max((tmp_path / "state").glob("step-*"))
    networks = {name: tensor for name, tensor in load_file(newest / TENSORS).items() if name.startswith("network/")}
    assert networks
    assert all(tensor.isfinite().all() for name, tensor in networks.items() if not name.endswith("num_batches_tracked"))
