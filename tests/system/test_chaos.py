"""Half a minute of chaos; `scripts/chaos --minutes 10 --seed 1` is for a quiet hour."""

import os
import subprocess
import sys
from pathlib import Path

TIMEOUT_S = 600.0


def test_every_promise_is_kept_through_kills_and_freezes(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[2] / "scripts" / "chaos"
    run = subprocess.run(
        [sys.executable, str(script), "--minutes", "0.5", "--seed", "7"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout
