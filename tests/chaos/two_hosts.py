"""The service on two hosts with separate disks: a worker and an API on each, one Redis, one store."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.service import ChaosService, Server
from tests.hosts.hosts import NAMES, Hosts
from tests.hosts.machine import Machine


class TwoHosts(ChaosService):
    """Each host is a network namespace. The environment of this process tells where the store is, too."""

    workers, apis = tuple(f"worker-{name}" for name in NAMES), tuple(f"api-{name}" for name in NAMES)
    servers, networks = ("redis", "store"), apis

    def __init__(self, folder: Path, datasets: Path) -> None:
        super().__init__(folder, datasets)
        self._hosts = Hosts(folder, **self._values)

    def __enter__(self) -> Self:
        self._hosts.__enter__()
        os.environ.update(self._hosts.store.environment)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        super().__exit__(kind, error, tb)
        self._hosts.__exit__(kind, error, tb)

    def machine(self, part: str) -> Machine:
        """The host that a worker or an API is on."""
        return self._hosts.machines[_host(part)]

    def server(self, part: str) -> Server:
        """Redis or the store."""
        return self._hosts.redis if part == "redis" else self._hosts.store

    def cut(self, api: str) -> None:
        """Cut off the host of an API."""
        self._hosts.network.cut(_host(api))

    def mend(self, api: str) -> None:
        """Connect it again."""
        self._hosts.network.mend(_host(api))


def _host(part: str) -> str:
    return part.rpartition("-")[2]
