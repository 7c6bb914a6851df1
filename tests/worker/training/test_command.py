"""`python -m worker.training` as a person or the supervisor runs it."""

import codecs
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.card import verify_checkpoint
from core.recipe import PRESETS
from tests.imported import colourful, write_imported
from tests.programs import running
from tests.tiny import IMAGES, tiny_recipe
from tests.worker.training.running import command, digests, execute, recipe_arguments, run
from worker.training.__main__ import main
from worker.training.events import Event, Failed, Finished, Started, Stopped, parse_event

RECIPE = tiny_recipe(epochs=10)  # of 5 steps each


def test_the_smoke_preset_trains_on_the_embedded_digits(tmp_path: Path) -> None:
    status, events, errors = execute(tmp_path / "run", "--preset", "smoke", "--epochs", "1")
    assert status == 0
    assert "Traceback" not in errors
    assert [e.event for e in events if e.event != "progress"] == ["started", "epoch", "finished"]
    assert isinstance(events[-1], Finished)
    card = verify_checkpoint(tmp_path / "run" / events[-1].checkpoint)
    assert card.recipe == PRESETS["smoke"].model_copy(update={"epochs": 1})
    assert card.command is not None
    assert card.command.endswith("--threads 1 --preset smoke --epochs 1")


@pytest.fixture(scope="module")
def tiny_arguments(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> list[str]:
    return recipe_arguments(tmp_path_factory.mktemp("recipe"), RECIPE, datasets)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory, tiny_arguments: list[str]) -> tuple[Path, int, list[Event]]:
    """A run that got SIGTERM after its first epoch, how it exited and what it had said."""
    run_dir = tmp_path_factory.mktemp("interrupted")
    events: list[Event] = []
    with running(command(run_dir, *tiny_arguments), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            events.append(parse_event(line))
            if events[-1].event == "epoch":
                process.send_signal(signal.SIGTERM)  # once is enough, more does no harm
    return run_dir, process.returncode, events


def test_a_run_stops_on_sigterm_and_the_same_command_finishes_it(
    interrupted: tuple[Path, int, list[Event]], tiny_arguments: list[str], datasets: Path, tmp_path: Path
) -> None:
    run_dir, status, events = interrupted
    stopped = events[-1]
    assert status == 3
    assert isinstance(stopped, Stopped)
    assert 5 <= stopped.step < 50

    status, events, _ = execute(run_dir, *tiny_arguments)
    started, finished = events[0], events[-1]
    assert status == 0
    assert isinstance(started, Started)
    assert started.step == stopped.step
    assert isinstance(finished, Finished)
    assert finished.step == 50

    run(RECIPE, datasets, tmp_path / "unbroken")
    assert digests(run_dir) == digests(tmp_path / "unbroken")


def test_bad_data_exits_with_1_and_says_so_in_an_event(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / IMAGES).write_bytes(b"no IDX file")
    status, events, _ = execute(tmp_path / "run", "--datasets", str(tmp_path))
    assert status == 1
    (failed,) = events
    assert isinstance(failed, Failed)
    assert failed.kind == "bad-data"
    assert f"{tmp_path}/mnist/{IMAGES}: magic number" in failed.detail


NO_TEXT = os.fsdecode(b"caf\xe9")  # a name in Latin-1 is no UTF-8


def test_folders_whose_names_are_no_text_are_named_all_the_same(tmp_path: Path) -> None:
    status, (failed,), errors = execute(tmp_path / "run", "--datasets", str(tmp_path / NO_TEXT))
    assert status == 1
    assert isinstance(failed, Failed)
    assert "caf\\udce9/mnist: no such folder" in failed.detail
    assert "Traceback" not in errors


def test_a_run_directory_whose_name_is_no_text_is_one_all_the_same(tmp_path: Path, datasets: Path) -> None:
    arguments = recipe_arguments(tmp_path, tiny_recipe(epochs=1), datasets)
    status, events, errors = execute(tmp_path / NO_TEXT, *arguments)
    assert (status, "Traceback" in errors) == (0, False)
    assert isinstance(events[-1], Finished)
    card = verify_checkpoint(tmp_path / NO_TEXT / events[-1].checkpoint)
    assert "caf\\udce9" in str(card.command)


def test_a_wrong_knob_exits_with_2_and_makes_no_directory(tmp_path: Path) -> None:
    status, events, errors = execute(tmp_path / "run", "--epochs", "0")
    assert (status, events) == (2, [])
    assert errors == "error: epochs = 0: Input should be greater than or equal to 1\n"
    assert not (tmp_path / "run").exists()


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """What the command says when it exits with 2."""
    monkeypatch.setattr(sys, "argv", ["worker.training", "--run-dir", "/nonexistent/run", *more])
    try:
        status: object = main()
    except SystemExit as exit_:  # argparse
        status = exit_.code
    assert status == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        (["--lr-g", "1.5"], ["lr_g = 1.5", "less than or equal to 1"]),
        (["--epochs", "three"], ["epochs = 'three'", "integer"]),
        (["--seed", "0.5"], ["seed = 0.5", "integer"]),
        (["--augment", "flip"], ["augment = 'flip'", "'none', 'translate', 'cutout' or 'diffaugment'"]),
        (["--num-images", "100", "--batch-size", "64", "--d-steps", "2"], ["num_images = 100", "num_images >= 128"]),
        (["--epochs", "0", "--lr-d", "NaN"], ["epochs = 0", "lr_d = nan", "finite number"]),
        (["--preset", "best"], ["--preset", "'best'", "quality"]),
        (["--learning-rate", "1"], ["unrecognized arguments: --learning-rate"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_refusal_names_what_is_wrong_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knobs: list[str], words: list[str]
) -> None:
    said = refusal(monkeypatch, capsys, *knobs)
    assert all(word in said for word in words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"epochs": 0}', ["epochs = 0"]),
        (b'{"speed": 1}', ["speed = 1", "unknown field", "lr_g"]),
        (b"{", ["--recipe", "not a readable JSON file"]),
        (b"\xff", ["--recipe", "not a readable JSON file"]),
        (None, ["--recipe", "No such file"]),
        (b"[1]", ["error: "]),
        (b"null", ["error: "]),
        (b"[" * 100_000, ["--recipe", "not a readable JSON file"]),
        (codecs.BOM_UTF8 + b'{"epochs": 0}', ["epochs = 0"]),
        ('{"epochs": 0}'.encode("utf-16"), ["epochs = 0"]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_recipe_file_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    content: bytes | None,
    words: list[str],
) -> None:
    if content is not None:
        (tmp_path / "recipe.json").write_bytes(content)
    said = refusal(monkeypatch, capsys, "--recipe", str(tmp_path / "recipe.json"))
    assert all(word in said for word in words)


@pytest.mark.parametrize("name", ["2024", "null", "true"])
def test_a_data_set_may_be_called_as_it_likes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    said = refusal(monkeypatch, capsys, "--dataset", name, "--epochs", "0")
    assert said.startswith("error: epochs = 0")


def test_a_trainer_dies_with_its_supervisor(tmp_path: Path, tiny_arguments: list[str]) -> None:
    trainer = command(tmp_path / "run", *tiny_arguments, "--die-with")
    code = f"import os, subprocess, time\nsubprocess.Popen({trainer!r} + [str(os.getpid())])\ntime.sleep(600)"
    with running([sys.executable, "-c", code], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert isinstance(parse_event(supervisor.stdout.readline()), Started)
        supervisor.kill()
        rest = supervisor.stdout.read()  # returns when the trainer too has let go of the pipe
    assert b"finished" not in rest


def test_a_trainer_whose_supervisor_is_gone_does_not_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "worker.training", "--run-dir", str(tmp_path / "run"), "--die-with", "99999999"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "the parent process 99999999 is gone\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--threads", "0", "argument --threads: allowed: 1 to 1024, not '0'"),
        ("--device", "tpu", "allowed: cpu, cuda, or one of several as cuda:1, not 'tpu'"),
    ],
)
def test_a_wrong_option_is_named_with_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str, value: str, message: str
) -> None:
    said = refusal(monkeypatch, capsys, option, value)
    assert message in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1  # what a supervisor can put into a job's error


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "torch sees no cuda:1 here; allowed: cpu" in refusal(monkeypatch, capsys, "--device", "cuda:1")


def test_a_recipe_that_finds_no_memory_fails_as_such(tmp_path: Path, tiny_arguments: list[str]) -> None:
    def limit_memory() -> None:  # enough for torch, and not for 134 million weights with Adam's two means of each
        resource.setrlimit(resource.RLIMIT_AS, (5 * 2**28, 5 * 2**28))

    arguments = [*tiny_arguments, "--g-hidden-layers", "8", "--g-hidden-units", "4096"]
    done = subprocess.run(
        command(tmp_path / "run", *arguments), check=False, capture_output=True, preexec_fn=limit_memory
    )
    failed = parse_event(done.stdout.splitlines()[-1])
    assert done.returncode == 1
    assert isinstance(failed, Failed)
    assert failed.kind == "oom"
    assert "cpu has too little memory left" in failed.detail


def test_a_run_directory_that_is_a_file_fails_the_run_with_the_reason(
    tmp_path: Path, tiny_arguments: list[str]
) -> None:
    (tmp_path / "run").write_text("in the way")
    status, events, errors = execute(tmp_path / "run", *tiny_arguments)
    assert status == 1
    assert "Traceback" not in errors
    assert isinstance(events[-1], Failed)
    assert events[-1].kind == "io-error"
    assert str(tmp_path / "run") in events[-1].detail


def test_a_person_trains_on_an_imported_data_set_by_its_folder(tmp_path: Path) -> None:
    card = write_imported(tmp_path / "0123", colourful(20), name="icons")
    folder = ["--dataset-folder", str(tmp_path / "0123")]
    small = ["--num-images", "16", "--batch-size", "8", "--epochs", "1", "--preset", "smoke", "--classes", "0"]
    status, events, _ = execute(tmp_path / "run", *folder, *small)
    assert status == 0
    assert isinstance(events[-1], Finished)
    of_model = verify_checkpoint(tmp_path / "run" / events[-1].checkpoint)
    assert (of_model.recipe.dataset, of_model.dataset_sha256) == ("icons", card.sha256)
    assert of_model.image_shape == card.image_shape

    status, _, errors = execute(tmp_path / "other", "--dataset-folder", str(tmp_path / "nowhere"))
    assert status == 2
    assert errors.startswith(f"error: --dataset-folder: {tmp_path / 'nowhere'}")
