"""A full disk is waited for: the kernel really refuses to write, and nothing is lost but time."""

import errno
import math
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
import torch

from core.files import FULL
from core.recipe import Recipe
from core.run_dir import RunDir
from tests.tiny import largest_file, tiny_recipe
from tests.worker.training.running import (
    assert_readers_meet_only_whole_folders,
    command,
    digests,
    end_digests,
    execute,
    last_checkpoint,
    last_state,
    recipe_arguments,
    run,
    temporaries,
)
from worker.training.data import load_dataset
from worker.training.events import Event, Failed, Finished, Started, Stopped, Warned, parse_event
from worker.training.loop import train
from worker.training.rollback import rolled_back_at
from worker.training.saving import Saver
from worker.training.state import TENSORS
from worker.training.task import Callbacks, Task

# 5 steps an epoch; the files of a checkpoint are larger than a sample, and those of a state larger than both
RECIPE = tiny_recipe(epochs=5, classes=4, r1_gamma=0.1, ema_half_life_kimg=0.05, g_filters=16)
NO_LIMIT = resource.RLIM_INFINITY
HINT = "free space in the data directory; the run goes on by itself"


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.disk_full.POLL_S", 0.001)
    monkeypatch.setattr("worker.training.saving.WARN_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def tiny_arguments(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> list[str]:
    return recipe_arguments(tmp_path_factory.mktemp("recipe"), RECIPE, datasets)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Path:
    run_dir = tmp_path_factory.mktemp("unbroken")
    run(RECIPE, datasets, run_dir)
    return run_dir


def limit_files(size: int, process: int = 0) -> None:
    """Let the kernel refuse to write files beyond `size` bytes in a process, by default this one."""
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (hard if size == NO_LIMIT else size, hard))


def run_on_full_disk(
    recipe: Recipe,
    datasets: Path,
    run_dir: Path,
    full: Callable[[Event], int | None],
    should_stop: Callable[[list[Event]], bool] = lambda _: False,
) -> list[Event]:
    """Train while the largest file is what `full` says at each event; None leaves it as it is."""
    events: list[Event] = []

    def report(event: Event) -> None:
        events.append(event)
        size = full(event)
        if size is not None:
            limit_files(size)

    dataset = load_dataset(datasets / recipe.dataset, recipe.num_images, recipe.classes)
    with largest_file(resource.getrlimit(resource.RLIMIT_FSIZE)[0]):  # puts back what was before
        task = Task(recipe, dataset, RunDir(run_dir), torch.device("cpu"))
        end = train(task, Callbacks(report, lambda: should_stop(events)))
    assert end == events[-1]
    return events


def of_full_disk(events: list[Event]) -> list[Warned]:
    return [event for event in events if isinstance(event, Warned) and event.kind == "disk-full"]


class Disk:
    """Full for files beyond `size` after the first epoch, until it was complained of so many times."""

    def __init__(self, size: int, complaints: int = 3) -> None:
        self._size, self._complaints = size, complaints

    def __call__(self, event: Event) -> int | None:
        if event.event == "epoch" and self._complaints > 0:
            return self._size
        if isinstance(event, Warned) and event.kind == "disk-full":
            self._complaints -= 1
            return NO_LIMIT if self._complaints == 0 else None
        return None


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("name", ["the sample of epoch 2", "the checkpoint of epoch 2", "the state after step 10"])
def test_a_run_waits_for_space_and_ends_with_the_same_bytes(
    unbroken: Path, datasets: Path, tmp_path: Path, name: str
) -> None:
    size = {
        "the sample of epoch 2": 1000,
        "the checkpoint of epoch 2": (unbroken / "samples" / "epoch-0002.png").stat().st_size,
        "the state after step 10": (last_state(unbroken) / TENSORS).stat().st_size - 1,
    }[name]
    events = run_on_full_disk(RECIPE, datasets, tmp_path, Disk(size))
    warned = of_full_disk(events)
    assert [(w.step, w.detail, w.hint) for w in warned] == [
        (10, f"{name} could not be written: File too large; the run waits", HINT)
    ] * 3
    assert isinstance(events[-1], Finished)
    assert end_digests(tmp_path) == end_digests(unbroken)
    assert temporaries(tmp_path) == []


@pytest.mark.usefixtures("no_waiting")
def test_a_run_whose_disk_is_full_at_once_waits_with_its_first_sample(
    unbroken: Path, datasets: Path, tmp_path: Path
) -> None:
    sizes = iter([0, None, NO_LIMIT])  # at its start and two warnings
    events = run_on_full_disk(RECIPE, datasets, tmp_path, lambda _: next(sizes, None))
    assert [warned.detail.split(" could")[0] for warned in of_full_disk(events)] == ["the sample of epoch 0"] * 2
    assert end_digests(tmp_path) == end_digests(unbroken)


@pytest.mark.usefixtures("no_waiting")
def test_a_run_that_goes_back_waits_with_its_note(datasets: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(d_layers=3, r1_gamma=1.0, epochs=3)  # as in test_rollback.py
    recipe = recipe.model_copy(update={"lr_d": 2**13.75, "lr_g": 1e-4})

    def full(event: Event) -> int | None:
        if isinstance(event, Warned):
            return 0 if event.kind == "not-finite" else NO_LIMIT
        return None

    events = run_on_full_disk(recipe, datasets, tmp_path / "waited", full)
    assert [warned.detail.split(" could")[0] for warned in of_full_disk(events)] == ["the note that the run went back"]
    run(recipe, datasets, tmp_path / "undisturbed")
    assert rolled_back_at(RunDir(tmp_path / "waited")) == rolled_back_at(RunDir(tmp_path / "undisturbed"))
    assert digests(tmp_path / "waited") == digests(tmp_path / "undisturbed")


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(("full_after", "step"), [("started", 0), ("epoch", 5)])
def test_a_run_that_is_stopped_while_it_waits_names_the_state_on_disk(
    unbroken: Path, datasets: Path, tmp_path: Path, full_after: str, step: int
) -> None:
    events = run_on_full_disk(
        RECIPE,
        datasets,
        tmp_path,
        lambda event: 1000 if event.event == full_after else None,
        should_stop=lambda events: len(of_full_disk(events)) == 2,
    )
    assert events[-1] == Stopped(step=step)
    assert temporaries(tmp_path) == []
    assert_readers_meet_only_whole_folders(tmp_path)
    started = run(RECIPE, datasets, tmp_path)[0]
    assert isinstance(started, Started)
    assert started.step == step
    assert end_digests(tmp_path) == end_digests(unbroken)


@pytest.mark.usefixtures("no_waiting")
def test_a_stop_that_finds_the_disk_full_says_what_was_not_saved(datasets: Path, tmp_path: Path) -> None:
    stop_at = iter([*[False] * 7, True, True])  # before the eighth step, and still when that cannot be saved
    events = run_on_full_disk(
        RECIPE,
        datasets,
        tmp_path,
        lambda event: 1000 if event.event == "epoch" else None,
        should_stop=lambda _: next(stop_at),
    )
    (warned,) = of_full_disk(events)
    assert (warned.step, warned.detail.split(" could")[0]) == (7, "the state after step 7")
    assert events[-1] == Stopped(step=5)


@pytest.mark.parametrize("number", sorted(FULL))
@pytest.mark.parametrize(("every_s", "warnings"), [(0.0, 5), (math.inf, 1)])
def test_the_warning_comes_back_every_so_often_and_not_at_each_try(
    monkeypatch: pytest.MonkeyPatch, number: int, every_s: float, warnings: int
) -> None:
    monkeypatch.setattr("core.disk_full.POLL_S", 0.001)
    monkeypatch.setattr("worker.training.saving.WARN_EVERY_S", every_s)
    refusals = [OSError(number, "no room")] * 5
    warned: list[Event] = []

    def write() -> None:
        if refusals:
            raise refusals.pop()

    Saver(warned.append, lambda: False).save("it", 7, write)
    assert refusals == []
    assert len(warned) == warnings


def test_other_errors_are_not_waited_for() -> None:
    def write() -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        Saver(lambda _: None, lambda: True).save("it", 7, write)


class Trainer:
    """A real trainer process, whose disk can be made full from outside."""

    def __init__(self, run_dir: Path, arguments: list[str]) -> None:
        self.process = subprocess.Popen(command(run_dir, *arguments), stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()  # where a test failed
        self.process.communicate()

    def wait_for(self, event: str, kind: str | None = None) -> Event:
        """Read what it tells up to the first event of this name, and of this kind."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = parse_event(line)
            if told.event == event and (kind is None or getattr(told, "kind", None) == kind):
                return told
        raise AssertionError(f"the trainer ended without {event!r}")


def test_a_trainer_process_waits_on_a_full_disk_and_finishes_once_there_is_space(
    unbroken: Path, tiny_arguments: list[str], tmp_path: Path
) -> None:
    with Trainer(tmp_path, tiny_arguments) as trainer:
        trainer.wait_for("epoch")
        limit_files(1000, trainer.process.pid)
        trainer.wait_for("warning", "disk-full")
        assert_readers_meet_only_whole_folders(tmp_path)
        assert last_checkpoint(tmp_path).name < last_checkpoint(unbroken).name
        limit_files(NO_LIMIT, trainer.process.pid)
        trainer.wait_for("finished")
        assert trainer.process.wait() == 0
    assert end_digests(tmp_path) == end_digests(unbroken)
    assert temporaries(tmp_path) == []


def test_a_trainer_process_stops_on_a_full_disk_and_goes_on_later(
    unbroken: Path, tiny_arguments: list[str], datasets: Path, tmp_path: Path
) -> None:
    with Trainer(tmp_path, tiny_arguments) as trainer:
        trainer.wait_for("epoch")
        limit_files(1000, trainer.process.pid)
        trainer.wait_for("warning", "disk-full")
        trainer.process.send_signal(signal.SIGTERM)
        stopped = trainer.wait_for("stopped")
        assert trainer.process.wait() == 3
    assert isinstance(stopped, Stopped)
    assert last_state(tmp_path).name == f"step-{stopped.step:08d}"
    assert temporaries(tmp_path) == []
    run(RECIPE, datasets, tmp_path)
    assert end_digests(tmp_path) == end_digests(unbroken)


def test_a_run_that_cannot_even_begin_on_a_full_disk_fails(tmp_path: Path, tiny_arguments: list[str]) -> None:
    with largest_file(10):  # and the process inherits it
        status, events, errors = execute(tmp_path / "run", *tiny_arguments)
    assert status == 1
    assert "Traceback" not in errors
    (failed,) = events
    assert isinstance(failed, Failed)
    assert failed.kind == "disk-full"
    assert temporaries(tmp_path) == []
