"""Standard streams that nobody reads any more, or that cannot hold what is said, end no run badly."""

import contextlib
import os
import pty
import re
import signal
import subprocess
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.programs import running
from tests.tiny import tiny_recipe
from tests.worker.training.running import TIMEOUT_S, command, last_state, recipe_arguments
from worker.training.events import Started, Stopped, parse_event


@pytest.fixture
def endless_arguments(tmp_path: Path, datasets: Path) -> list[str]:
    return recipe_arguments(tmp_path, tiny_recipe(epochs=10_000), datasets)


def assert_saved_and_stopped(process: subprocess.Popen[bytes], said: str, run_dir: Path) -> None:
    assert process.wait(TIMEOUT_S) == 3
    assert "the run saves and stops" in said
    stopped = re.search(r"stopped after step (\d+); the same command goes on from there\s*$", said)
    assert stopped, said
    assert "Error" not in said
    assert last_state(run_dir).name == f"step-{int(stopped[1]):08d}"


def test_a_run_whose_events_nobody_reads_any_more_saves_and_stops(tmp_path: Path, endless_arguments: list[str]) -> None:
    """As in `| head -1`."""
    run_dir = tmp_path / "run"
    with running(command(run_dir, *endless_arguments), stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert isinstance(parse_event(process.stdout.readline()), Started)
        process.stdout.close()
        assert_saved_and_stopped(process, process.stderr.read().decode(), run_dir)


def test_a_run_whose_bar_nobody_sees_any_more_saves_and_stops(tmp_path: Path, endless_arguments: list[str]) -> None:
    """As in `2>&1 >/dev/tty | head -1`: the bar is on standard error, words are on standard output."""
    run_dir = tmp_path / "run"
    terminal, its_end = pty.openpty()
    with running(command(run_dir, *endless_arguments), stdout=its_end, stderr=PIPE) as process:
        os.close(its_end)
        assert process.stderr is not None
        assert process.stderr.read(1)
        process.stderr.close()
        said = read_terminal(terminal)
        os.close(terminal)
        assert process.wait(TIMEOUT_S) == 3
    assert "stopped after step" in said
    assert "Error" not in said


def read_terminal(terminal: int) -> str:
    """All that is written to a terminal until nobody can write any more."""
    said = b""
    with contextlib.suppress(OSError):  # EIO is the end
        while data := os.read(terminal, 65536):
            said += data
    return said.decode()


def test_a_run_whose_terminal_is_closed_saves_and_stops(tmp_path: Path, endless_arguments: list[str]) -> None:
    run_dir = tmp_path / "run"
    terminal, its_end = pty.openpty()
    with running(command(run_dir, *endless_arguments), stdout=its_end, stderr=its_end) as process:
        os.close(its_end)
        assert os.read(terminal, 1)
        os.close(terminal)
        assert process.wait(TIMEOUT_S) == 3
    assert last_state(run_dir)


def test_a_hang_up_saves_and_stops(tmp_path: Path, endless_arguments: list[str]) -> None:
    with running(command(tmp_path / "run", *endless_arguments), stdout=PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        events = [parse_event(line) for line in process.stdout]
    assert process.returncode == 3
    assert isinstance(events[-1], Stopped)


def test_the_last_words_may_go_unread(tmp_path: Path, endless_arguments: list[str]) -> None:
    """A run that is done is done, whoever reads that."""
    (tmp_path / "run").write_text("in the way")
    process = subprocess.Popen(command(tmp_path / "run", *endless_arguments), stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    process.stdout.close()
    with process:
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert process.returncode == 1
    assert "failed: io-error" in said
    assert "BrokenPipe" not in said


def test_a_terminal_shows_what_it_has_no_letters_for(tmp_path: Path) -> None:
    terminal, its_end = pty.openpty()
    arguments = command(tmp_path / "run", "--datasets", str(tmp_path / "données"))
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    with running(arguments, stdout=its_end, stderr=PIPE, env=environment) as process:
        os.close(its_end)
        said = read_terminal(terminal)
        os.close(terminal)
        assert process.wait(TIMEOUT_S) == 1
    assert "donn\\xe9es/mnist: no such folder" in said
