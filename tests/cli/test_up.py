"""`digitforge up` that cannot go on: killed, or with a part that refuses to start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import COMMAND, Service, children, wait_until


@pytest.mark.skipif(sys.platform != "linux", reason="children end with their parent by prctl(2)")
def test_when_it_is_killed_its_processes_end_too_and_the_data_is_free_again(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        parts = children(service.process.pid)
        assert len(parts) == 3
        holders = [pid for pid in parts if tmp_path / "up.lock" in opened_by(pid)]
        assert holders == parts  # so that no second `up` shares the data while one of them lives
        left = [*parts, service.supervisor()]
        service.process.kill()
        service.process.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
    with Service(tmp_path) as again:
        assert len(children(again.process.pid)) == 3


def opened_by(pid: int) -> set[Path]:
    return {path.readlink() for path in Path(f"/proc/{pid}/fd").iterdir() if path.exists()}


def test_what_a_part_says_when_it_refuses_a_setting_is_told(tmp_path: Path) -> None:
    environment = os.environ | {
        "DIGITFORGE_DATA_DIR": str(tmp_path),
        "DIGITFORGE_PORT": "0",
        "DIGITFORGE_DEVICES": "cuda:99",
    }
    for _ in range(2):  # what an earlier start left in the log is not told again
        ended = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 1
        refusal, ending = ended.stderr.splitlines()
        assert refusal.startswith(
            "error: DIGITFORGE_DEVICES = 'cuda:99': torch sees no cuda:99 here; allowed: auto, cpu"
        )
        assert ending == f"error: worker ended; its log is {tmp_path}/logs/worker.log"
