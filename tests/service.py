"""`digitforge up` as a process, for tests that talk to it over HTTP."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

START_S, STOP_S = 60.0, 40.0
POLL_S = 0.05
LANE = b"worker.import_lane"
COMMAND = (sys.executable, "-m", "cli.main", "up")


class Service:
    """The service with its data in `folder`, on a free port, until the `with` block ends."""

    def __init__(self, folder: Path, command: Sequence[str] = COMMAND, **settings: str) -> None:
        self.folder = folder
        self._command = command
        self._environment = os.environ | {
            "DIGITFORGE_DATA_DIR": str(folder),
            "DIGITFORGE_PORT": "0",
            "DIGITFORGE_HEARTBEAT_S": "0.2",
            "DIGITFORGE_DEVICES": "cpu",
            "DIGITFORGE_TRAINER_THREADS": "1",
            **{f"DIGITFORGE_{name.upper()}": value for name, value in settings.items()},
        }
        self.base = ""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        banner = self.process.stdout.readline()
        found = re.search(r"http://\S+", banner)
        if not found:
            self.stop()
            raise AssertionError(f"the service did not start: {banner}{self.log('app')}{self.log('worker')}")
        self.base = found[0]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> int:
        """Ctrl-C, and the exit status of the command."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(STOP_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def environment(self, **settings: str) -> dict[str, str]:
        """What its processes run with, for another one beside them."""
        own = {"DIGITFORGE_REDIS_URL": redis_url(self)}
        return self._environment | own | {f"DIGITFORGE_{name.upper()}": value for name, value in settings.items()}

    def log(self, name: str) -> str:
        """What a child process has logged."""
        path = self.folder / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def worker(self) -> int:
        """Process id of the worker's main process."""
        return self._child("worker")

    def supervisor(self) -> int:
        """Process id of the worker's pool child, once there is one: Celery replaces one that ends."""
        return _the_only_one(lambda: pool_of(self.worker()))

    def import_lane(self) -> int:
        """Process id of what carries out imports, once it is there: the worker replaces one that ends."""
        return _the_only_one(lambda: lanes_of(self.worker()))

    def api(self) -> int:
        """Process id of the API."""
        return self._child("app")

    def redis(self) -> int:
        """Process id of its own Redis."""
        return self._child_with(b"-server 127.0.0.1:")

    def _child(self, module: str) -> int:
        return self._child_with(f"-m\0{module}\0".encode())

    def _child_with(self, marker: bytes) -> int:
        (found,) = [pid for pid in children(self.process.pid) if marker in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return found

    def trainers(self) -> list[int]:
        """Process ids of the trainers that work in this service's folder."""
        marker = f"--run-dir\0{self.folder}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes()
            except OSError:
                continue
            if b"worker.training" in command and marker in command:
                found.append(int(path.parent.name))
        return found


def children(pid: int) -> list[int]:
    """Process ids of what a process has started."""
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def lanes_of(worker: int) -> list[int]:
    """Process ids of what carries out a worker's imports."""
    return [pid for pid in children(worker) if LANE in _command(pid)]


def pool_of(worker: int) -> list[int]:
    """Process ids of what carries out its trainings."""
    return [pid for pid in children(worker) if LANE not in _command(pid) and pid not in sweepers_of(worker)]


def sweepers_of(worker: int) -> list[int]:
    """The process id of what sweeps beside a store; without one its main process does."""
    return [pid for pid in children(worker) if _read(Path(f"/proc/{pid}/comm")) == b"sweeper\n"]


def _command(pid: int) -> bytes:
    return _read(Path(f"/proc/{pid}/cmdline"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""


def redis_url(service: Service) -> str:
    """The address of a service's own Redis."""
    config = (service.folder / "redis" / "redis.conf").read_text().splitlines()
    values = {name: value.strip('"') for name, value in (line.split(" ", 1) for line in config)}
    return f"redis://:{values['requirepass']}@127.0.0.1:{values['port']}/0"


def follow(http: httpx.Client, job_id: str, *statuses: str, timeout_s: float = 180) -> dict[str, Any]:
    """Poll a job until it is in one of `statuses`; fail with its record when it does not get there."""
    deadline = time.monotonic() + timeout_s
    while True:
        job: dict[str, Any] = http.get(f"/jobs/{job_id}").raise_for_status().json()
        if job["status"] in statuses:
            return job
        ended = job["status"] in ("succeeded", "failed", "cancelled")
        assert not ended, job
        assert time.monotonic() < deadline, job
        time.sleep(POLL_S)


def _the_only_one(find: Callable[[], list[int]]) -> int:
    """What is found, once it is one; looked at once, because the next moment it may have ended."""
    found: list[int] = []

    def is_one() -> bool:
        found[:] = find()
        return len(found) == 1

    wait_until(is_one)
    return found[0]


def wait_until(condition: Any, timeout_s: float = 60) -> None:
    """Poll until `condition()` is true; fail when it does not become so."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(POLL_S)
