"""A crash point kills where it is asked to, once, and is nothing otherwise."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from core.crash import VARIABLE

PASSES = "from core.crash import crash_point; crash_point('thing:here'); print('went by')"


def go_by(crash_file: Path) -> tuple[int, str]:
    """The exit status and the output of a process that comes by the point `thing:here`."""
    environment = {**os.environ, VARIABLE: str(crash_file)}
    done = subprocess.run([sys.executable, "-c", PASSES], check=False, capture_output=True, env=environment)
    return done.returncode, done.stdout.decode()


def test_a_point_that_is_asked_for_kills_the_first_process_and_no_other(tmp_path: Path) -> None:
    crash_file = tmp_path / "crash"
    crash_file.write_text("thing:here\n")
    assert go_by(crash_file) == (-signal.SIGKILL, "")
    assert not crash_file.exists()
    assert go_by(crash_file) == (0, "went by\n")


def test_a_point_that_is_not_asked_for_does_nothing(tmp_path: Path) -> None:
    crash_file = tmp_path / "crash"
    crash_file.write_text("thing:elsewhere")
    assert go_by(crash_file) == (0, "went by\n")
    assert crash_file.exists()
