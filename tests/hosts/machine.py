"""One machine of a deployment, in parts that can be killed one by one and started again: an API, and workers."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from core.child import start_child
from core.settings import Settings
from tests.chaos.processes import children_of, command_of, hold, processes_of

API_PROCESSES = 2
STOP_S = 40.0  # a trainer's grace, the API's, and what a busy machine adds
ANSWER_S = 2.0
GAVE_UP, LOG_END = b"Could not start worker processes", 4000


class Machine:
    """A machine with all its files in `folder`; ends with this process. Names of workers begin with `worker`."""

    def __init__(
        self,
        folder: Path,
        base: str,
        values: Mapping[str, str | float],
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`values` are settings beside those that it chooses; `command` runs what follows it on this machine."""
        self.folder, self.data, self.base = folder, folder / "var", base
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        own: dict[str, str | float] = {
            "data_dir": str(self.data),
            "api_processes": API_PROCESSES,
            "devices": "cpu",
            "trainer_threads": 1,
        }
        of_all = own | dict(values)
        self.settings = Settings(**of_all)  # type: ignore[arg-type]  # pydantic takes the strings
        self._environment = os.environ | {f"DIGITFORGE_{name.upper()}": str(value) for name, value in of_all.items()}
        self._environment |= environment or {}
        self._command = list(command)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, part: str) -> None:
        """Start a part that is not running."""
        module = "worker" if part.startswith("worker") else "app"
        with (self._logs / f"{part}.log").open("ab") as log:
            command = [*self._command, sys.executable, "-m", module]
            self._processes[part] = start_child(command, log, self._environment)

    def is_running(self, part: str) -> bool:
        """Whether the main process of a part has started, and has not ended."""
        return part in self._processes and self._processes[part].poll() is None

    def gave_up_at_start(self, part: str) -> bool:
        """Whether it was Celery's end of a worker whose pool child is killed in the very moment of its start."""
        return part.startswith("worker") and self._log_of(part).read_bytes()[-LOG_END:].rstrip().endswith(GAVE_UP)

    def answers(self) -> bool:
        """Whether the API answers within a moment."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.base}/healthz", timeout=ANSWER_S).status_code == 200
        return False

    def pid(self, part: str, role: str = "") -> int | None:
        """The main process of a part, or below it a worker's `supervisor` or `trainer`, or an API's `process`."""
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

    def kill(self) -> None:
        """End every process that works on this machine at once, as if its power had failed."""
        for pid, _ in processes_of(self.folder):
            if held := hold(pid):
                held.send(signal.SIGKILL)
                held.close()
        for process in self._processes.values():
            process.kill()
            process.wait()

    def log(self, part: str) -> str:
        """What a part has logged."""
        return self._log_of(part).read_text(errors="replace")

    def _log_of(self, part: str) -> Path:
        return self._logs / f"{part}.log"
