"""The whole service beside an object store: its processes die and are forked again, and use the store all the same."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.startup import EXIT_REFUSED, PYTHON
from tests.object_servers import LentStore, Rclone
from tests.service import Service, follow, sweepers_of, wait_until
from tests.system.jobs import SMOKE, submit

SHORT = {**SMOKE, "publish": "always", "epochs": 1}


@pytest.fixture
def stored(s3_server: LentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    with Service(tmp_path) as service:
        yield service


def test_processes_that_are_forked_later_use_the_store_too(stored: Service) -> None:
    with httpx.Client(base_url=stored.base, timeout=30) as http:
        wait_until(lambda: http.get("/readyz").json()["store"])
        follow(http, submit(http, SHORT), "succeeded")
        before = stored.supervisor()
        os.kill(before, signal.SIGKILL)
        [sweeper] = sweepers_of(stored.worker())
        os.kill(sweeper, signal.SIGKILL)
        wait_until(lambda: stored.supervisor() != before)
        follow(http, submit(http, {**SHORT, "seed": 7}), "succeeded")
        wait_until(lambda: sweepers_of(stored.worker()) not in ([], [sweeper]))
        assert len(http.get("/models").json()["data"]) >= 3


def test_the_worker_and_the_api_refuse_a_store_that_ignores_conditions(tmp_path: Path) -> None:
    with Rclone(tmp_path / "rclone") as server:
        environment = os.environ | server.lend().environment | {"DIGITFORGE_DATA_DIR": str(tmp_path / "data")}
        for module in ("worker", "app"):
            started = subprocess.run(
                [*PYTHON, "-m", module],
                env=environment | {"DIGITFORGE_PORT": "0", "DIGITFORGE_REDIS_URL": "redis://127.0.0.1:1/0"},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert started.returncode == EXIT_REFUSED, started.stderr
            assert "error: DIGITFORGE_STORE_URL = 's3://" in started.stderr
            assert "it overwrites an object" in started.stderr
