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
from core.child import start_child, stop_child
from core.errors import StartError
from core.ports import listen, port_of
from core.settings import Settings
from core.startup import EXIT_REFUSED, PYTHON, open_data_dir

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
        lock = stack.enter_context(_locked(data / "up.lock"))
        listening = [stack.enter_context(bound) for bound in listen(settings.host, settings.port)]
        redis = stack.enter_context(RedisServer(data / "redis", pass_fds=[lock]))
        base = f"http://{_in_url(settings.host)}:{port_of(listening[0])}"
        environment = os.environ | {
            "DIGITFORGE_REDIS_URL": redis.url,
            "DIGITFORGE_DATA_DIR": str(data),
        }
        grace_s = settings.stop_grace_s + STOP_MARGIN_S
        log_of = {"redis": redis.log, "worker": logs / "worker.log", "app": logs / "app.log"}
        begun_at = {name: _size(log) for name, log in log_of.items()}
        worker = stack.enter_context(_child("worker", environment, logs, grace_s, lock))
        api = stack.enter_context(_child("app", environment, logs, grace_s, lock, listening))
        for bound in listening:  # the API's own stay, and whoever comes after its end is refused
            bound.close()
        assert redis.process is not None
        processes = {"redis": redis.process, "worker": worker, "app": api}

        deadline = time.monotonic() + READY_S
        while not stop.is_set() and not _ended(processes) and not _is_ready(base):
            if time.monotonic() > deadline:
                print(
                    f"error: the API was not ready within {READY_S:.0f} s; its log is {log_of['app']}", file=sys.stderr
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
            if processes[ended].returncode == EXIT_REFUSED:
                print(_said_since(log_of[ended], begun_at[ended]), end="", file=sys.stderr)
            print(f"error: {ended} ended; its log is {log_of[ended]}", file=sys.stderr)
            return 1
        print("\nstopping: a running job is saved and goes on next time", flush=True)
    print("stopped")
    return 0


@contextmanager
def _child(
    module: str,
    environment: dict[str, str],
    logs: Path,
    grace_s: float,
    lock: int,
    listening: Sequence[socket.socket] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module`, until the block ends. It holds the lock too."""
    fds = [bound.fileno() for bound in listening]
    command = [*PYTHON, "-m", module, *(f"--fd={fd}" for fd in fds)]
    with (logs / f"{module}.log").open("ab") as log:
        process = start_child(command, log, environment, [*fds, lock])
    try:
        yield process
    finally:
        stop_child(process, grace_s)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold the data directory, so that two services never write one. Raises StartError when it is held.

    The descriptor is for the child processes: the lock is free once nobody has it any more, and so they share in it
    when this process is killed.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(f"{path.parent} is in use by another `digitforge up`; stop it first") from error
        yield file.fileno()


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _said_since(log: Path, begun_at: int) -> str:
    """The lines of a log, from a position on, that say why a process does not start."""
    lines = log.read_bytes()[begun_at:].decode("utf-8", "replace").splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith("error: "))


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
