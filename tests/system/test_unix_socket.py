"""Redis behind a Unix socket: the store and Celery's messages find the same database there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis

from cli.redis_binary import find_redis
from tests.parts import parts_on
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
    with parts_on(url, tmp_path / "var") as http:
        job = http.post("/train", json={"preset": "smoke", "publish": "never"}).raise_for_status().json()
        follow(http, job["id"], "succeeded")
        with Redis.from_url(url.replace("db=2", "db=0")) as elsewhere:
            assert elsewhere.dbsize() == 0
