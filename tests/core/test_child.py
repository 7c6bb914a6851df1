"""Child processes end with their parent, politely where there is time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.child import start_child, stop_child
from tests.programs import running
from tests.service import wait_until

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import os, time
from core.child import start_child
child = start_child(["sleep", "300"], open(os.devnull, "wb"))
print(child.pid, flush=True)
time.sleep(300)
"""
DEAF = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]


@pytest.mark.skipif(sys.platform != "linux", reason="by prctl(2)")
def test_a_child_dies_with_a_parent_that_is_killed() -> None:
    with running([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
    wait_until(lambda: not Path(f"/proc/{child}").exists())


def test_a_child_that_ends_when_asked_to_is_not_killed(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        child = start_child(["sleep", "300"], log)
    stop_child(child, grace_s=30)
    assert child.returncode == -signal.SIGTERM
    stop_child(child, grace_s=30)  # one that is gone already


def test_a_child_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        child = start_child(DEAF, log)
    wait_until(lambda: (tmp_path / "log").read_text() == "ready\n")
    begun = time.monotonic()
    stop_child(child, grace_s=0.3)
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - begun >= 0.3
