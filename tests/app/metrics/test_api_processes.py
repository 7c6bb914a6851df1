"""One scrape adds up all processes of the API, and a process that dies takes nothing of it along."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.ports import listen, port_of
from tests.app.metrics.reading import one, scrape
from tests.service import children, wait_until

PROCESSES = 2
STOP_S = 20


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    own = {"DIGITFORGE_REDIS_URL": "redis://127.0.0.1:1/0", "DIGITFORGE_DATA_DIR": str(tmp_path / "var")}
    own["DIGITFORGE_API_PROCESSES"] = str(PROCESSES)
    (listening,) = listen("127.0.0.1", 0)
    with listening, (tmp_path / "app.log").open("wb") as log:
        base, fd = f"http://127.0.0.1:{port_of(listening)}", listening.fileno()
        command = [sys.executable, "-m", "app", f"--fd={fd}"]
        process = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log, pass_fds=[fd])
    try:
        # a connection a request, so that each process gets some of them
        with httpx.Client(base_url=base, headers={"connection": "close"}, timeout=30) as http:
            wait_until(lambda: _ready(http), timeout_s=60)
            yield http, process
    finally:
        process.terminate()
        process.wait(STOP_S)


def _ready(http: httpx.Client) -> bool:
    try:
        return one(scrape(http), "digitforge_api_processes_ready") == PROCESSES
    except httpx.HTTPError:
        return False


def test_counts_of_all_processes_are_added_up_and_survive_each_of_them(
    running: tuple[httpx.Client, subprocess.Popen[bytes]],
) -> None:
    http, process = running
    for number in range(20):
        http.get(f"/generate?n=2&seed={number}").raise_for_status()
    assert {one(scrape(http), "digitforge_images_drawn_total") for _ in range(6)} == {40}
    for worker in children(process.pid):
        before = children(process.pid)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda before=before: worker_was_replaced(process.pid, before))
        wait_until(lambda: _ready(http), timeout_s=60)
        found = scrape(http)
        assert one(found, "digitforge_images_drawn_total") == 40
        labels = {"route": "/generate", "method": "GET", "status": "200"}
        assert one(found, "digitforge_http_requests_total", **labels) == 20
        assert one(found, "digitforge_models_in_memory") == PROCESSES
        assert one(found, "digitforge_http_requests_in_progress") == 1


def worker_was_replaced(parent: int, before: list[int]) -> bool:
    now = children(parent)
    return len(now) == PROCESSES and set(now) != set(before)
