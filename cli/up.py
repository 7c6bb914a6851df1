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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path

from cli.redis_server import RedisServer
from core.errors import StartError
from core.ports import listen, port_of
from core.settings import Settings
from core.startup import PYTHON, open_data_dir

READY_S = 60.0
POLL_S = 0.1
STOP_MARGIN_S = 10.0


def up(settings: Settings) -> int:
    """Run the service until Ctrl-C, SIGTERM, SIGHUP or the end of one of its processes: the command's exit status."""
    open_data_dir(settings, "logs", "redis")
    data = settings.data_dir.resolve()
    logs = data / "logs"
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the last when its terminal closes
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup is respected
            signal.signal(number, lambda *_: stop.set())

    with ExitStack() as stack:
        stack.enter_context(_locked(data / "up.lock"))
        listening = [stack.enter_context(bound) for bound in listen(settings.host, settings.port)]
        redis = stack.enter_context(RedisServer(data / "redis"))
        base = f"http://{_in_url(settings.host)}:{port_of(listening[0])}"
        environment = os.environ | {
            "DIGITFORGE_REDIS_URL": redis.url,
            "DIGITFORGE_DATA_DIR": str(data),
        }
        grace_s = settings.stop_grace_s + STOP_MARGIN_S
        worker = stack.enter_context(_child("worker", environment, logs, grace_s))
        api = stack.enter_context(_child("app", environment, logs, grace_s, listening))
        for bound in listening:  # the API's own stay, and whoever comes after its end is refused
            bound.close()
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
    module: str, environment: dict[str, str], logs: Path, grace_s: float, listening: Sequence[socket.socket] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module` in a session of its own, so that a Ctrl-C reaches it only by way of this process."""
    fds = [bound.fileno() for bound in listening]
    command = [*PYTHON, "-m", module, *(f"--fd={fd}" for fd in fds)]
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
    """Hold the data directory, so that two services never write one. Raises StartError when it is held."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(f"{path.parent} is in use by another `digitforge up`; stop it first") from error
        yield


def _in_url(host: str) -> str:
    """A host as a URL has it; where every address is listened on, the one of this machine itself."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _ended(processes: dict[str, subprocess.Popen[bytes]]) -> str | None:
    return next((name for name, process in processes.items() if process.poll() is not None), None)


def _is_ready(base: str) -> bool:
    try:
        asked = urllib.request.Request(f"{base}/readyz", headers={"Host": "localhost"})  # a name that is always allowed
        with urllib.request.urlopen(asked, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
