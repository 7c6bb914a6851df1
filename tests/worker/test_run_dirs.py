from pathlib import Path

import pytest
import torch

from core.files import TEMPORARY_PREFIX, write_file
from core.run_dir import JobDir, RunDir
from tests.tiny import digit_like, one_thread, save_tiny, tiny_recipe
from worker.run_dirs import open_attempt
from worker.training.data import Dataset
from worker.training.events import Event, Started
from worker.training.loop import train
from worker.training.task import Callbacks, Task

JOB = "a-job"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The first attempt of a job, with what a trainer leaves when it is killed."""
    folder = open_attempt(JobDir(tmp_path, JOB), 1).folder
    save_tiny(folder / "checkpoints" / "epoch-0001")
    for name in ("recipe.json", "samples/epoch-0000.png", "state/step-00000001/manifest.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_file(folder / name, f"{name} of attempt 1".encode())
    return folder


def test_a_first_attempt_is_empty(tmp_path: Path) -> None:
    job_dir = JobDir(tmp_path / "runs", JOB)
    run = open_attempt(job_dir, 1)
    assert run == job_dir.attempt(1)
    assert list(run.folder.iterdir()) == []


@pytest.mark.parametrize("attempt", [2, 5])
def test_an_attempt_starts_with_what_the_latest_one_left(tmp_path: Path, first: Path, attempt: int) -> None:
    second = open_attempt(JobDir(tmp_path, JOB), attempt).folder
    assert second != first
    assert files(second) == files(first)
    write_file(second / "recipe.json", b"of the second")
    third = open_attempt(JobDir(tmp_path, JOB), attempt + 1).folder
    assert (third / "recipe.json").read_bytes() == b"of the second"


def test_an_attempt_costs_no_disk(tmp_path: Path, first: Path) -> None:
    second = open_attempt(JobDir(tmp_path, JOB), 2).folder
    assert all((second / name).samefile(first / name) for name in files(first))


def test_a_long_copy_gives_its_supervisor_time_to_beat(tmp_path: Path, first: Path) -> None:
    ticks: list[None] = []
    open_attempt(JobDir(tmp_path, JOB), 2, lambda: ticks.append(None))
    assert len(ticks) == len(files(first))


def test_half_written_files_and_the_log_stay_behind(tmp_path: Path, first: Path) -> None:
    expected = files(first)
    RunDir(first).trainer_log.write_text("a traceback")
    for parent in (first, first / "samples", first / "state"):
        (parent / f"{TEMPORARY_PREFIX}file").write_text("half")
        (parent / f"{TEMPORARY_PREFIX}folder").mkdir()
        (parent / f"{TEMPORARY_PREFIX}folder" / "file").write_text("half")
    assert files(open_attempt(JobDir(tmp_path, JOB), 2).folder) == expected


def test_jobs_share_nothing(tmp_path: Path, first: Path) -> None:
    assert files(first)
    assert files(open_attempt(JobDir(tmp_path, "another-job"), 2).folder) == {}


def test_a_second_attempt_trains_on_and_never_changes_the_first(tmp_path: Path) -> None:
    recipe, dataset = tiny_recipe(epochs=3), Dataset(torch.from_numpy(digit_like(16)[..., None]), None, "0" * 64)
    first = open_attempt(JobDir(tmp_path, JOB), 1)
    asked = iter([False] * 5)  # stop in the third epoch
    with one_thread():
        train(Task(recipe, dataset, first, torch.device("cpu")), Callbacks(lambda _: None, lambda: next(asked, True)))
    before = files(first.folder)

    events: list[Event] = []
    second = open_attempt(JobDir(tmp_path, JOB), 2)
    with one_thread():
        train(Task(recipe, dataset, second, torch.device("cpu")), Callbacks(events.append, lambda: False))

    assert isinstance(events[0], Started)
    assert events[0].step == 5
    assert "checkpoints/epoch-0003/card.json" in files(second.folder)
    assert files(first.folder) == before


def test_the_folders_that_are_there_are_found_newest_first(tmp_path: Path) -> None:
    job_dir = JobDir(tmp_path, JOB)
    assert list(job_dir.attempts(3)) == []
    runs = [open_attempt(job_dir, attempt) for attempt in (1, 3, 4)]
    assert list(job_dir.attempts(5)) == runs[::-1]
    assert list(job_dir.attempts(3)) == runs[1::-1]  # not what comes after the attempt that was asked for
