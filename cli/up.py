"""Redis, the worker and the API as three child processes: started in order, watched, stopped in order."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path

from cli.ports import listen, port_of
from cli.redis_server import RedisServer
from core.settings import Settings

READY_S = 60.0
POLL_S = 0.1
STOP_MARGIN_S = 10.0


def up(settings: Settings) -> int:
    """Run the service until Ctrl-C, SIGTERM, or the end of one of its processes. The exit status of the command."""
    data = settings.data_dir.resolve()
    logs = data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    with ExitStack() as stack:
        try:
            stack.enter_context(_locked(data / "up.lock"))
            listening = stack.enter_context(_listening(settings.host, settings.port))
            redis = stack.enter_context(RedisServer(data / "redis"))
        except RuntimeError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        base = f"http://{host}:{port_of(listening)}"
        environment = os.environ | {
            "DIGITFORGE_REDIS_URL": redis.url,
            "DIGITFORGE_DATA_DIR": str(data),
        }
        grace_s = settings.stop_grace_s + STOP_MARGIN_S
        worker = stack.enter_context(_child("worker", environment, logs, grace_s))
        api = stack.enter_context(_child("app", environment, logs, grace_s, listening))
        listening.close()  # the API's own stays, and whoever comes after its end is refused
        assert redis.process is not None
        processes = {"redis": redis.process, "worker": worker, "app": api}

        deadline = time.monotonic() + READY_S
        while not stop.is_set() and not _ended(processes) and not _is_ready(base):
            if time.monotonic() > deadline:
                print(
                    f"error: the API was not ready within {READY_S:.0f} s; its log is {logs}/app.log", file=sys.stderr
                )
                return 1
            time.sleep(POLL_S)
        if not stop.is_set() and not _ended(processes):
            print(f"digitforge is up at {base}")
            print(f"  {base}/generate?n=16   sixteen digits")
            print(f"  {base}/docs            the API")
            print(f"  {logs}   the logs\nCtrl-C stops it.", flush=True)
        while not stop.is_set() and not _ended(processes):
            time.sleep(POLL_S)
        ended = _ended(processes)
        if ended and not stop.is_set():
            print(f"error: {ended} ended; its log is {logs}/{ended}.log", file=sys.stderr)
            return 1
        print("\nstopping: a running job is saved and goes on next time", flush=True)
    print("stopped")
    return 0


@contextmanager
def _child(
    module: str, environment: dict[str, str], logs: Path, grace_s: float, listening: socket.socket | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module` in a session of its own, so that a Ctrl-C reaches it only by way of this process."""
    fds = [] if listening is None else [listening.fileno()]
    command = [sys.executable, "-m", module, *(f"--fd={fd}" for fd in fds)]
    with (logs / f"{module}.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True, pass_fds=fds
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(grace_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the data directory, so that two services never write one. Raises RuntimeError when it is held."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RuntimeError(f"{path.parent} is in use by another `digitforge up`; stop it first") from error
        yield


def _listening(host: str, port: int) -> socket.socket:
    """The API's socket, before the first process starts. Raises RuntimeError when it cannot be had."""
    try:
        return listen(host, port)
    except OSError as error:
        advice = "set DIGITFORGE_HOST and DIGITFORGE_PORT to an address that is free; port 0 takes any"
        raise RuntimeError(f"cannot serve on {host}:{port}: {error.strerror}; {advice}") from error


def _ended(processes: dict[str, subprocess.Popen[bytes]]) -> str | None:
    return next((name for name, process in processes.items() if process.poll() is not None), None)


def _is_ready(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
