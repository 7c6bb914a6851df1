"""A crash point kills where it is asked to, once, and is nothing otherwise."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from models.crash import VARIABLE

PASSES = "from models.crash import crash_point; crash_point('thing:here'); print('went by')"


def go_by(crash_at: str) -> tuple[int, str]:
    """The exit status and the output of a process that comes by the point `thing:here`."""
    environment = {**os.environ, VARIABLE: crash_at}
    done = subprocess.run([sys.executable, "-c", PASSES], check=False, capture_output=True, env=environment)
    return done.returncode, done.stdout.decode()


def test_a_point_that_is_asked_for_kills_the_first_process_and_no_other(tmp_path: Path) -> None:
    crash_at = f"thing:here@{tmp_path / 'marker'}"
    assert go_by(crash_at) == (-signal.SIGKILL, "")
    assert (tmp_path / "marker").exists()
    assert go_by(crash_at) == (0, "went by\n")


def test_a_point_that_is_not_asked_for_does_nothing(tmp_path: Path) -> None:
    assert go_by(f"thing:elsewhere@{tmp_path / 'marker'}") == (0, "went by\n")
    assert go_by("") == (0, "went by\n")
    assert not (tmp_path / "marker").exists()
