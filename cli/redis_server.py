"""A Redis server of our own, on a port of its own, with its data in one folder."""

import os
import secrets
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis, RedisError

from cli.redis_binary import find_redis
from core.child import start_child, stop_child
from core.errors import StartError
from core.ports import LOOPBACK, hold_port, port_of

START_S = 15.0
STOP_S = 15.0
LOG_TAIL_BYTES = 2000
CONFIG = "redis.conf"


class RedisServer:
    """Redis on a port of its own with a random password; its append-only file lives in `folder`."""

    def __init__(self, folder: Path, pass_fds: Sequence[int] = (), host: str = LOOPBACK) -> None:
        """The server inherits `pass_fds`, such as a lock that is held for as long as it runs. `host` is an address."""
        self.folder = folder
        self._host = host
        self.log = folder / "redis.log"
        self._pass_fds = pass_fds
        self._held = hold_port(host)
        self.port = port_of(self._held)
        self._password = secrets.token_urlsafe(24)
        self.url = _url(self._password, self.port, host)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return once it answers. Raises StartError with what it said when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        binary = find_redis()
        config = self.folder / CONFIG
        config.touch(mode=0o600)
        config.write_bytes(self._config())
        with self.log.open("ab") as output:
            begins_at = output.tell()
            self.process = start_child([binary, str(config)], output, pass_fds=self._pass_fds)
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
        said = self.log.read_bytes()[begins_at:][-LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
        raise StartError(f"Redis did not start: {binary} said:\n{said}")

    def _config(self) -> bytes:
        """The configuration. A write is on disk before it is answered; the log holds commands, which any server reads.

        Not `everysec`: under it Valkey 9.1 and early Redis 7.4 answer WAITAOF before they sync (redis/redis#13793).
        """
        values: dict[str, str | Path] = {
            "bind": self._host,
            "port": str(self.port),
            "requirepass": self._password,
            "dir": self.folder.resolve(),
            "appendonly": "yes",
            "appendfsync": "always",
            "aof-use-rdb-preamble": "no",
            "maxmemory-policy": "noeviction",
            "save": "",
            "daemonize": "no",
        }
        return b"".join(b"%s %s\n" % (name.encode(), quoted(os.fsencode(value))) for name, value in values.items())

    def stop(self) -> None:
        """Stop it with its data on disk."""
        if self.process is not None:
            stop_child(self.process, STOP_S)

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


def running_url(folder: Path) -> str:
    """The URL of the server that somebody else started in `folder`. Raises StartError."""
    path = folder / CONFIG
    try:
        told = dict(line.split(" ", 1) for line in path.read_text(encoding="ascii").splitlines())
        return _url(told["requirepass"].strip('"'), int(told["port"].strip('"')))
    except (OSError, ValueError, KeyError) as error:
        raise StartError(f"{path}: does not tell where Redis listens") from error


def _url(password: str, port: int, host: str = LOOPBACK) -> str:
    return f"redis://:{password}@{host}:{port}/0"


def quoted(value: bytes) -> bytes:
    """A value as redis.conf wants it: in double quotes, with escapes for all but printable ASCII."""
    plain = set(range(0x20, 0x7F)) - set(b'"\\')
    return b'"%s"' % b"".join(bytes([byte]) if byte in plain else b"\\x%02x" % byte for byte in value)
