"""The service in parts that can be killed one by one and started again: Redis, two workers, the API."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from cli.redis_server import RedisServer
from core.ports import hold_port, port_of
from core.settings import Settings
from tests.chaos.keys import Keys, make_keys, write_key_file
from tests.chaos.processes import children_of, command_of, hold, processes_of

LEASE_S, HEARTBEAT_S, WATCHDOG_S, STOP_GRACE_S = 2.4, 0.2, 25.0, 4.0
MAX_QUEUED = 6
API_PROCESSES = 2
STOP_S = 40.0  # a trainer's grace, the API's, and what a busy machine adds
WORKERS = ("worker-1", "worker-2")
GAVE_UP, LOG_END = b"Could not start worker processes", 4000
PARTS = (*WORKERS, "api", "redis")


class ChaosService:
    """The service with everything in `folder`. Nothing of it outlives the `with` block."""

    def __init__(self, folder: Path, datasets: Path) -> None:
        self.folder, self.data = folder, folder / "var"
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True)
        self.redis = RedisServer(folder / "redis")
        self._held = hold_port()
        port = port_of(self._held)
        self._artist = write_key_file(folder / "keys.json")
        self.base = f"http://127.0.0.1:{port}"
        values: dict[str, str | float] = {
            "redis_url": self.redis.url,
            "data_dir": str(self.data),
            "datasets_dir": str(datasets),
            "port": port,
            "api_processes": API_PROCESSES,
            "devices": "cpu",
            "trainer_threads": 1,
            "max_queued": MAX_QUEUED,
            "lease_s": LEASE_S,
            "heartbeat_s": HEARTBEAT_S,
            "watchdog_s": WATCHDOG_S,
            "stop_grace_s": STOP_GRACE_S,
            "keys_file": str(folder / "keys.json"),
        }
        self._environment = os.environ | {f"DIGITFORGE_{name.upper()}": str(value) for name, value in values.items()}
        self.settings = Settings(**values)  # type: ignore[arg-type]  # pydantic takes the strings
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End what is left by force: an orderly stop is `stop`, and part of what is checked."""
        redis = [self.redis.process] if self.redis.process is not None else []  # which may be half started
        for process in (*redis, *self._processes.values()):
            process.kill()
            process.wait()
        for pid, _ in processes_of(self.folder):
            if held := hold(pid):
                held.send(signal.SIGKILL)
                held.close()
        self.redis.close()
        self._held.close()

    def make_keys(self) -> Keys:
        """The keys of all clients. Redis answers."""
        return make_keys(self.settings, self._artist)

    def start(self, part: str) -> None:
        """Start a part that is not running; Redis answers when this returns."""
        if part == "redis":
            self.redis.start()
            assert self.redis.process is not None
            self._processes[part] = self.redis.process
            return
        module = "app" if part == "api" else "worker"
        with (self._logs / f"{part}.log").open("ab") as log:
            self._processes[part] = subprocess.Popen(
                [sys.executable, "-m", module], env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def is_running(self, part: str) -> bool:
        """Whether the main process of a part has not ended."""
        return self._processes[part].poll() is None

    def gave_up_at_start(self, part: str) -> bool:
        """Whether it was Celery's end of a worker whose pool child is killed in the very moment of its start."""
        return part in WORKERS and (self._logs / f"{part}.log").read_bytes()[-LOG_END:].rstrip().endswith(GAVE_UP)

    def answers(self) -> bool:
        """Whether the API answers within a moment."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.base}/healthz", timeout=2).status_code == 200
        return False

    def pid(self, target: str) -> int | None:
        """The main process of a part, or as `worker-1/supervisor`, `worker-1/trainer`, `api/process` one below it."""
        part, _, role = target.partition("/")
        main = self._processes[part]
        if main.poll() is not None:
            return None
        if not role:
            return main.pid
        if role == "process":
            return next((child for child in children_of(main.pid) if b"-m\0app\0" in command_of(child)), None)
        supervisors = [child for child in children_of(main.pid) if b"-m\0worker\0" in command_of(child)]
        if role == "supervisor":
            return supervisors[0] if supervisors else None
        trainers = (child for pid in supervisors for child in children_of(pid))
        return next((pid for pid in trainers if b"\0worker.training\0" in command_of(pid)), None)

    def stop(self, part: str) -> bool:
        """Stop a part in the orderly way. Whether it ended in time."""
        process = self._processes[part]
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return False
        return True
