"""Processes side by side: started, replaced, stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.service import children, wait_until

SLEEPERS = r"""
import os, signal, sys, time
from app.processes import Processes

def work(number):
    os.write(1, b"%d\n" % number)
    time.sleep(60)
    return 0

sys.exit(Processes(2, work, grace_s=5).run())
"""

STUBBORN = SLEEPERS.replace("time.sleep(60)", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
COUNTING = SLEEPERS.replace(
    '    os.write(1, b"%d\\n" % number)\n    time.sleep(60)',
    """    told = []
    def tell(number, frame):
        told.append(number)
        os.write(1, b"%d\\n" % number)
    signal.signal(signal.SIGINT, tell)
    signal.signal(signal.SIGTERM, tell)
    os.write(1, b"%d\\n" % number)
    while signal.SIGTERM not in told:
        time.sleep(0.01)""",
)
REFUSING = SLEEPERS.replace("time.sleep(60)\n    return 0", "return 3 if number else time.sleep(60)")
RAISING = SLEEPERS.replace("time.sleep(60)\n    return 0", "raise ValueError(number)")
ENDING = SLEEPERS.replace("time.sleep(60)", "time.sleep(1.2)")


@pytest.fixture
def started(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "main.py").write_text(request.param)
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, tmp_path / "main.py"],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def begun(process: subprocess.Popen[str], count: int) -> list[int]:
    """Wait until so many have begun: their numbers."""
    assert process.stdout is not None
    return sorted(int(process.stdout.readline()) for _ in range(count))


@pytest.mark.parametrize("started", [SLEEPERS], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_them_all(started: subprocess.Popen[str], number: int) -> None:
    assert begun(started, 2) == [0, 1]
    workers = children(started.pid)
    started.send_signal(number)
    assert started.wait(5) == 0
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


@pytest.mark.parametrize("started", [SLEEPERS], indirect=True)
def test_one_that_is_killed_is_replaced_and_the_others_go_on(started: subprocess.Popen[str]) -> None:
    begun(started, 2)
    first, second = children(started.pid)
    os.kill(second, signal.SIGKILL)
    (number,) = begun(started, 1)
    assert number == 1
    wait_until(lambda: len(children(started.pid)) == 2)
    assert first in children(started.pid)
    assert second not in children(started.pid)


@pytest.mark.parametrize("started", [ENDING], indirect=True)
def test_one_that_just_ends_is_replaced_too(started: subprocess.Popen[str]) -> None:
    assert begun(started, 4) == [0, 0, 1, 1]


@pytest.mark.parametrize("started", [REFUSING], indirect=True)
def test_one_that_refuses_ends_them_all_with_its_status(started: subprocess.Popen[str]) -> None:
    assert started.wait(10) == 3


@pytest.mark.parametrize("started", [RAISING], indirect=True)
def test_one_that_fails_ends_them_all_and_says_why(started: subprocess.Popen[str]) -> None:
    _, errors = started.communicate(timeout=10)
    assert started.returncode == 1
    assert "ValueError: " in errors


@pytest.mark.parametrize("started", [COUNTING], indirect=True)
def test_a_ctrl_c_at_the_terminal_reaches_each_once_and_then_they_are_told_otherwise(
    started: subprocess.Popen[str],
) -> None:
    begun(started, 2)
    os.killpg(started.pid, signal.SIGINT)
    assert started.wait(5) == 0
    assert begun(started, 4) == [signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGTERM]


@pytest.mark.parametrize("started", [STUBBORN], indirect=True)
def test_one_that_does_not_obey_is_killed(started: subprocess.Popen[str]) -> None:
    begun(started, 2)
    started.send_signal(signal.SIGTERM)
    assert started.wait(10) == 0
