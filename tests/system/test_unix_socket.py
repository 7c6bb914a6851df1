"""Redis behind a Unix socket: the store and Celery's messages find the same database there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from redis import Redis

from cli.redis_binary import find_redis
from core.ports import hold_port, port_of
from tests.service import follow, wait_until

PASSWORD = "p@ss/w#rd"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    socket = tmp_path / "my redis.sock"
    command = [find_redis(), "--port", "0", "--unixsocket", str(socket), "--requirepass", PASSWORD, "--save", ""]
    redis = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    wait_until(socket.exists)
    yield f"unix://:{quote(PASSWORD, safe='')}@{quote(str(socket))}?db=2"
    redis.terminate()
    redis.wait()


def test_a_job_is_trained_by_way_of_a_unix_socket(tmp_path: Path, url: str) -> None:
    with hold_port() as held, ExitStack() as stack:
        environment = os.environ | {
            "DIGITFORGE_REDIS_URL": url,
            "DIGITFORGE_DATA_DIR": str(tmp_path / "var"),
            "DIGITFORGE_PORT": str(port_of(held)),
            "DIGITFORGE_HEARTBEAT_S": "0.2",
            "DIGITFORGE_DEVICES": "cpu",
            "DIGITFORGE_TRAINER_THREADS": "1",
        }
        for module in ("app", "worker"):
            process = subprocess.Popen([sys.executable, "-m", module], env=environment)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        http = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port_of(held)}", timeout=30))

        def ready() -> bool:
            try:
                return bool(http.get("/readyz").json()["redis"])
            except httpx.TransportError:
                return False

        wait_until(ready, timeout_s=60)
        job = http.post("/train", json={"preset": "smoke", "publish": "never"}).raise_for_status().json()
        follow(http, job["id"], "succeeded")
        with Redis.from_url(url.replace("db=2", "db=0")) as elsewhere:
            assert elsewhere.dbsize() == 0
