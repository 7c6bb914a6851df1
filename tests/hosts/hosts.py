"""Two hosts, and between them one Redis and one store."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from access.key_file import write_keys
from access.key_record import NewKey
from cli.redis_server import RedisServer
from core.access import Scope
from tests.chaos.golden import write_images
from tests.hosts.machine import Machine
from tests.hosts.network import Network

NAMES = ("a", "b")
PORT = 8000
Headers = dict[str, str]


class Hosts:
    """Two machines with separate folders. Nothing of them outlives the `with` block."""

    def __init__(self, folder: Path, **values: str | float) -> None:
        """`values` are settings of both."""
        self._folder, self._values = folder, values
        self.datasets = folder / "datasets"
        write_images(self.datasets)
        self.machines: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self.network = undo.enter_context(Network(NAMES))
            self.redis = RedisServer(self._folder / "redis", host=self.network.address)
            undo.callback(self.redis.close)
            undo.callback(self.redis.stop)
            self.redis.start()
            key_file = self._folder / "keys.json"
            self.headers = write_key(key_file, "tests", *Scope)
            of_all = {
                "redis_url": self.redis.url,
                "store_url": f"file://{self._folder / 'store'}",
                "keys_file": str(key_file),
                "datasets_dir": str(self.datasets),
                **self._values,
            }
            for name in NAMES:
                self.machines[name] = self._machine(name, of_all)
                undo.callback(self.machines[name].kill)
            self._undo = undo.pop_all()
        return self

    def _machine(self, name: str, values: Mapping[str, str | float]) -> Machine:
        folders = {one: self._folder / f"host-{one}" for one in NAMES}
        (other,) = (folders[one] for one in NAMES if one != name)
        other.mkdir(exist_ok=True)
        address = self.network.address_of(name)
        own = {"host": address, "port": PORT, **values}
        return Machine(folders[name], f"http://{address}:{PORT}", own, self.network.command(name, hidden=other))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._undo.close()


def write_key(path: Path, name: str, *scopes: Scope) -> Headers:
    """A file of keys with one that has these scopes, and what its owner sends."""
    new = NewKey.make(name, scopes)
    write_keys(path, [new.record])
    return {"Authorization": f"Bearer {new.text}"}
