"""The service in parts that can be killed one by one and started again: Redis, two workers, the API."""

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from cli.redis_server import RedisServer
from core.ports import hold_port, port_of
from core.settings import Settings
from tests.chaos.keys import Keys, make_keys, write_key_file
from tests.chaos.processes import hold, processes_of
from tests.hosts.machine import STOP_S, Machine

LEASE_S, HEARTBEAT_S, WATCHDOG_S, STOP_GRACE_S = 2.4, 0.2, 25.0, 4.0
MAX_QUEUED = 6


class Server(Protocol):
    """A server that all machines use."""

    process: subprocess.Popen[bytes] | None

    def start(self) -> None:
        """Start it, and return once it answers."""


class ChaosService(ABC):
    """The service with everything in `folder`, on one machine or more. Nothing of it outlives the `with` block."""

    workers: tuple[str, ...]
    apis: tuple[str, ...]
    servers: tuple[str, ...]
    networks: tuple[str, ...] = ()  # the APIs whose hosts can be cut off

    def __init__(self, folder: Path, datasets: Path) -> None:
        self.folder = folder
        self._artist = write_key_file(folder / "keys.json")
        self._values: dict[str, str | float] = {
            "datasets_dir": str(datasets),
            "max_queued": MAX_QUEUED,
            "lease_s": LEASE_S,
            "heartbeat_s": HEARTBEAT_S,
            "watchdog_s": WATCHDOG_S,
            "stop_grace_s": STOP_GRACE_S,
            "keys_file": str(folder / "keys.json"),
        }

    @abstractmethod
    def __enter__(self) -> Self:
        """Have the machines, with nothing started."""

    @abstractmethod
    def machine(self, part: str) -> Machine:
        """The machine of a worker or an API."""

    @abstractmethod
    def server(self, part: str) -> Server:
        """One of the servers."""

    @property
    def redis_url(self) -> str:
        """Where its Redis is."""
        return self.settings.redis_url

    @property
    def parts(self) -> tuple[str, ...]:
        """All of them, in the order in which they are stopped."""
        return (*self.workers, *self.apis, *self.servers)

    @property
    def settings(self) -> Settings:
        """The settings of one of the machines."""
        return self.machine(self.apis[0]).settings

    @property
    def machines(self) -> list[Machine]:
        """Each once."""
        return list({id(one): one for one in map(self.machine, self.apis)}.values())

    @property
    def bases(self) -> Mapping[str, str]:
        """Where each API answers."""
        return {part: self.machine(part).base for part in self.apis}

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End what is left by force: an orderly stop is `stop`, and part of what is checked."""
        for machine in self.machines:
            machine.kill()
        for part in self.servers:
            process = self.server(part).process  # which may be half started
            if process is not None:
                process.kill()
                process.wait()
        for pid, _ in processes_of(self.folder):
            if held := hold(pid):
                held.send(signal.SIGKILL)
                held.close()

    def make_keys(self) -> Keys:
        """The keys of all clients. Redis answers."""
        return make_keys(self.settings, self._artist)

    def start(self, part: str) -> None:
        """Start a part that is not running; a server answers when this returns."""
        if part in self.servers:
            self.server(part).start()
        else:
            self.machine(part).start(part)

    def is_running(self, part: str) -> bool:
        """Whether the main process of a part has not ended."""
        return self.pid(part) is not None

    def gave_up_at_start(self, part: str) -> bool:
        """Whether it was Celery's end of a worker whose pool child is killed in the very moment of its start."""
        return part in self.workers and self.machine(part).gave_up_at_start(part)

    def answers(self, api: str) -> bool:
        """Whether an API answers within a moment."""
        return self.machine(api).answers()

    def pid(self, target: str) -> int | None:
        """The main process of a part, or as `worker-1/supervisor`, `worker-1/trainer`, `api/process` one below it."""
        part, _, role = target.partition("/")
        if part not in self.servers:
            return self.machine(part).pid(part, role)
        process = self.server(part).process
        return None if process is None or process.poll() is not None else process.pid

    def cut(self, api: str) -> None:
        """Cut off the host of an API."""
        raise NotImplementedError

    def mend(self, api: str) -> None:
        """Connect it again."""
        raise NotImplementedError

    def stop(self, part: str) -> bool:
        """Stop a part in the orderly way. Whether it ended in time."""
        if part not in self.servers:
            return self.machine(part).stop(part)
        process = self.server(part).process
        assert process is not None
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return False
        return True


class OneMachine(ChaosService):
    """All of it on this machine."""

    workers, apis, servers = ("worker-1", "worker-2"), ("api",), ("redis",)

    def __enter__(self) -> Self:
        self._redis = RedisServer(self.folder / "redis")
        self._held = hold_port()
        port = port_of(self._held)
        values = {"redis_url": self._redis.url, "port": port, **self._values}
        self._machine = Machine(self.folder / "host", f"http://127.0.0.1:{port}", values)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        super().__exit__(kind, error, tb)
        self._redis.close()
        self._held.close()

    def machine(self, part: str) -> Machine:
        """The only one."""
        return self._machine

    def server(self, part: str) -> Server:
        """Redis."""
        return self._redis
