"""Redis, the worker and the API as three child processes: started in order, watched, stopped in order."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from access.required import check_start
from cli.commands import Commands
from cli.own_redis import FOLDER, holding
from cli.redis_server import RedisServer
from core.child import start_child, stop_child
from core.ports import listen, port_of
from core.settings import Settings
from core.startup import EXIT_FAILED, EXIT_REFUSED, PYTHON, open_data_dir

READY_S = 60.0
POLL_S = 0.1
STOP_MARGIN_S = 10.0


@dataclass(frozen=True)
class _Part:
    """One of the three processes, and where its log had got to when it was started."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    begun_at: int

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def refusal(self) -> str:
        """The lines in which an ended process said that it cannot start; else empty."""
        if self.process.returncode != EXIT_REFUSED:
            return ""
        lines = self.log.read_bytes()[self.begun_at :].decode("utf-8", "replace").splitlines(keepends=True)
        return "".join(line for line in lines if line.startswith("error: "))


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("up", help="start Redis, the worker and the API here; Ctrl-C stops all three")
    parser.set_defaults(run=lambda _, settings: up(settings))


def up(settings: Settings) -> int:
    """Run the service until Ctrl-C, SIGTERM, SIGHUP or the end of one of its processes: the command's exit status."""
    open_data_dir(settings, "logs", FOLDER)
    data = settings.data_dir.resolve()
    stop = _stop_on_signals()
    with ExitStack() as stack:
        lock = stack.enter_context(holding(data))
        listening = [stack.enter_context(bound) for bound in listen(settings.host, settings.port)]
        check_start(settings, listening)
        base = f"http://{_in_url(settings.host)}:{port_of(listening[0])}"
        parts = _start(settings, data, lock, listening, stack)
        for bound in listening:  # the API's own stay, and whoever comes after its end is refused
            bound.close()

        deadline = time.monotonic() + READY_S
        while _goes_on(stop, parts) and not _is_ready(base):
            if time.monotonic() > deadline:
                _complain(f"the API was not ready within {READY_S:.0f} s; its log is {parts[-1].log}")
                return EXIT_FAILED
            time.sleep(POLL_S)
        if _goes_on(stop, parts):
            print(f"digitforge is up at {base}")
            print(f"  {base}/                the page, in a browser")
            print(f"  {base}/generate?n=16   sixteen digits")
            print(f"  {base}/docs            the API")
            print(f"  {data / 'logs'}   the logs\nCtrl-C stops it.", flush=True)
        while _goes_on(stop, parts):
            time.sleep(POLL_S)
        ended = next((part for part in parts if part.has_ended), None)
        if ended and not stop.is_set():
            sys.stderr.write(ended.refusal)
            _complain(f"{ended.name} ended; its log is {ended.log}")
            return EXIT_FAILED
        print("\nstopping: a running job is saved and goes on next time", flush=True)
    print("stopped")
    return 0


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the last when its terminal closes
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup is respected
            signal.signal(number, lambda *_: stop.set())
    return stop


def _start(
    settings: Settings, data: Path, lock: int, listening: Sequence[socket.socket], stack: ExitStack
) -> list[_Part]:
    """Start Redis, the worker and the API, in this order; the stack stops them in the other. All hold the lock."""
    redis = stack.enter_context(RedisServer(data / FOLDER, pass_fds=[lock]))
    assert redis.process is not None
    environment = os.environ | {"DIGITFORGE_REDIS_URL": redis.url, "DIGITFORGE_DATA_DIR": str(data)}
    grace_s = settings.stop_grace_s + STOP_MARGIN_S
    inherited = [bound.fileno() for bound in listening]
    parts = [_Part("redis", redis.process, redis.log, 0)]
    for module, fds in (("worker", []), ("app", inherited)):
        command = [*PYTHON, "-m", module, *(f"--fd={fd}" for fd in fds)]
        log = data / "logs" / f"{module}.log"
        with log.open("ab") as output:
            begun_at = output.tell()
            process = start_child(command, output, environment, [*fds, lock])
        stack.callback(stop_child, process, grace_s)
        parts.append(_Part(module, process, log, begun_at))
    return parts


def _in_url(host: str) -> str:
    """A host as a URL has it; where every address is listened on, the one of this machine itself."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _goes_on(stop: threading.Event, parts: list[_Part]) -> bool:
    return not stop.is_set() and not any(part.has_ended for part in parts)


def _complain(what: str) -> None:
    print(f"error: {what}", file=sys.stderr)


def _is_ready(base: str) -> bool:
    try:
        asked = urllib.request.Request(f"{base}/readyz", headers={"Host": "localhost"})  # a name that is always allowed
        with urllib.request.urlopen(asked, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
