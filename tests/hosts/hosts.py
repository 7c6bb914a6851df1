"""Two hosts, and between them one Redis and one store, a real SeaweedFS."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.redis_server import RedisServer
from tests.hosts.machine import Machine
from tests.hosts.network import Network
from tests.object_servers import SeaweedFS

NAMES = ("a", "b")
PORT = 8000


class Hosts:
    """Two machines with separate folders. Nothing of them outlives the `with` block, in which all is to be started."""

    network: Network
    redis: RedisServer
    store: SeaweedFS
    machines: dict[str, Machine]

    def __init__(self, folder: Path, **values: str | float) -> None:
        """`values` are settings of both; they need a file of keys, because others reach them."""
        self._folder, self._values = folder, values

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self.network = undo.enter_context(Network(NAMES))
            self.redis = RedisServer(self._folder / "redis", host=self.network.address)
            undo.callback(self.redis.close)
            undo.callback(self.redis.stop)
            self.store = SeaweedFS(self._folder / "seaweedfs", host=self.network.address)
            undo.callback(self.store.close)
            lent = self.store.lend()
            values = {"redis_url": self.redis.url, "store_url": lent.url, **self._values}
            self.machines = {name: self._machine(name, values, lent.server.environment) for name in NAMES}
            for machine in self.machines.values():
                undo.callback(machine.kill)
            self._undo = undo.pop_all()
        return self

    def _machine(self, name: str, values: Mapping[str, str | float], environment: Mapping[str, str]) -> Machine:
        folders = {one: self._folder / f"host-{one}" for one in NAMES}
        (other,) = (folders[one] for one in NAMES if one != name)
        other.mkdir(exist_ok=True)
        address = self.network.address_of(name)
        command = self.network.command(name, hidden=other)
        return Machine(
            folders[name], f"http://{address}:{PORT}", {"host": address, "port": PORT, **values}, command, environment
        )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._undo.close()
