"""The API and the worker as processes of their own, on a Redis that is there already, for tests that talk over HTTP."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from cli.redis_binary import find_redis
from core.ports import hold_port, port_of
from tests.service import wait_until

START_S = 60


@contextmanager
def bare_redis(folder: Path, *options: str) -> Iterator[int]:
    """A Redis that keeps nothing, with options such as `--requirepass`; yields its port."""
    with hold_port() as held:
        command = [find_redis(), "--port", str(port_of(held)), "--bind", "127.0.0.1", "--save", "", *options]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            yield port_of(held)
        finally:
            process.terminate()
            process.wait()


def environment_of(redis_url: str, data_dir: Path, **settings: str) -> dict[str, str]:
    """What a part runs with, which trains on one thread of a CPU."""
    own = {
        "REDIS_URL": redis_url,
        "DATA_DIR": str(data_dir),
        "HEARTBEAT_S": "0.2",
        "DEVICES": "cpu",
        "TRAINER_THREADS": "1",
        "API_PROCESSES": "1",
        **{name.upper(): value for name, value in settings.items()},
    }
    return os.environ | {f"DIGITFORGE_{name}": value for name, value in own.items()}


@contextmanager
def parts_on(
    redis_url: str, data_dir: Path, modules: Sequence[str] = ("app", "worker"), **settings: str
) -> Iterator[httpx.Client]:
    """A client of the API, which is ready and has found Redis."""
    with hold_port() as held, ExitStack() as stack:
        environment = environment_of(redis_url, data_dir, port=str(port_of(held)), **settings)
        for module in modules:
            process = subprocess.Popen([sys.executable, "-m", module], env=environment)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        http = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port_of(held)}", timeout=30))

        def ready() -> bool:
            try:
                return bool(http.get("/readyz").json()["redis"])
            except httpx.TransportError:
                return False

        wait_until(ready, timeout_s=START_S)
        yield http
