"""Serving speed side by side: this project's API, plain FastAPI, LitServe, BentoML and Ray Serve, and the bound.

    make bench-serve

Each serves the shipped model, one after another, under the load of wrk (a Debian package). The bound is what the
multiply-adds of an image would take at the rate of a large matrix product on all cores, measured in the same run:
`torch.mm`'s, and beside it oneDNN's, which does the convolutions.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.load import Measured, Memory, measure
from bench.train import Contestant

FLOP = 22e6  # of an image
CONNECTIONS, SIZES = (1, 8, 32), (1, 16)
START_S = 90
ROOT = Path(__file__).resolve().parents[1]
POST = 'wrk.method = "POST"\nwrk.body = \'{{"n": {n}}}\'\nwrk.headers["Content-Type"] = "application/json"\n'


class Server:
    """A program that serves grids at `/generate` of a free port, until it is stopped."""

    def __init__(self, name: str, command: list[str], probe: str | None = None, **settings: str) -> None:
        """With a `probe`, a path that GET answers, it takes GET; without, it takes POST with JSON."""
        self.name, self._command, self._probe, self._settings = name, command, probe, settings
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp())
        self.results: dict[tuple[int, int], Measured] = {}
        self.peak_mb = 0.0

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it. Raises TimeoutError with its last words when it does not answer."""
        own = {"DIGITFORGE_DATA_DIR": str(self.folder), "DIGITFORGE_PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        own |= self._settings
        command = [part.replace("PORT", str(self.port)) for part in self._command]
        log = self.folder / "log"
        with log.open("w") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | own, stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise TimeoutError(log.read_text()[-300:].strip())
            time.sleep(0.2)

    def load(self, seconds: int) -> None:
        """Measure all that is compared."""
        with Memory(self.process.pid) as memory:
            for n in SIZES:
                for connections in CONNECTIONS:
                    self.results[n, connections] = self._measure(n, connections, seconds)
        self.peak_mb = memory.peak_mb

    def stop(self) -> None:
        """End it and what it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def _answers(self) -> bool:
        url = self.base + (self._probe or "/generate")
        body = None if self._probe else b'{"n": 1}'
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _measure(self, n: int, connections: int, seconds: int) -> Measured:
        if self._probe:
            return measure(f"{self.base}/generate?n={n}", connections, seconds)
        lua = self.folder / f"post-{n}.lua"
        lua.write_text(POST.format(n=n))
        return measure(f"{self.base}/generate", connections, seconds, lua)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def ours(name: str = "ours", **settings: str) -> Server:
    """This project's API. It draws without Redis."""
    return Server(name, [sys.executable, "-m", "app"], "/healthz", **settings)


def peers(python: str) -> list[Server]:
    """The peers, in the environment of an interpreter."""
    return [
        Server("plain FastAPI", [python, "-m", "bench.servers.plain", "PORT"], "/generate?n=1"),
        Server("LitServe", [python, "-m", "bench.servers.litserve_peer", "PORT"]),
        Server("BentoML", [python, "-m", "bench.servers.bentoml_peer", "PORT"]),
        Server("Ray Serve", [python, "-m", "bench.servers.ray_peer", "PORT"], "/generate?n=1"),
    ]


def asked_again(server: Server, seconds: int) -> dict[str, Measured]:
    """A picture that was drawn before, and one that the client has already."""
    url = f"{server.base}/generate?n=16&seed=1"
    with urllib.request.urlopen(url) as answer:
        etag = answer.headers["ETag"]
    known = measure(url, 8, seconds, header=f"If-None-Match: {etag}")
    return {"the same URL again": measure(url, 8, seconds), "304": known}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.serve", description="Serving speed beside the peers.")
    parser.add_argument("--seconds", type=int, default=6, help="of load for each figure")
    parser.add_argument("--peers-python", help="an interpreter with litserve and bentoml; without it, ours alone")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("the load comes from wrk, which is not installed: apt-get install wrk")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # and the server that runs with it
    sgemm = Contestant("sgemm", [sys.executable, "-m", "bench.contestants.sgemm"])
    onednn = Contestant("oneDNN", [sys.executable, "-m", "bench.contestants.sgemm", "onednn"])
    bare = Contestant("bare", [sys.executable, "-m", "bench.contestants.bare"])
    mine, measured = ours(), []
    servers = [mine, *(peers(arguments.peers_python) if arguments.peers_python else [])]
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start", flush=True)
    for server in servers:
        sgemm.take_turn(0, 8)
        onednn.take_turn(0, 8)
        bare.take_turn(16, 30)
        try:
            server.start()
        except (OSError, TimeoutError) as error:
            print(f"{server.name} did not start: {error}")
            continue
        try:
            server.load(arguments.seconds)
            print(f"{server.name}: measured", flush=True)
            if server is mine:
                again = asked_again(server, arguments.seconds)
        finally:
            server.stop()
        measured.append(server)
    grid_ms, bounds = 16e3 / bare.median(), [product.median() / FLOP for product in (sgemm, onednn)]
    for contestant in (sgemm, onednn, bare):
        contestant.end()

    rates = " and ".join(f"{bound * FLOP / 1e9:.0f} GFLOP/s, at most {bound:.0f} images/s" for bound in bounds)
    print(f"sgemm and oneDNN: {rates}; a bare grid of 16 takes {grid_ms:.1f} ms")
    print(
        "| n | connections | server | p50 ms | p99 ms | grids/s | ours / it | share of bound | of oneDNN's | failed |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for n in SIZES:
        for connections in CONNECTIONS:
            for server in measured:
                row = server.results[n, connections]
                ratio = (
                    mine.results[n, connections].per_s / row.per_s if mine in measured and row.per_s else float("nan")
                )
                cells = [f"{n}", f"{connections}", server.name, f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}"]
                shares = [f"{n * row.per_s / bound:.2f}" for bound in bounds]
                cells += [f"{row.per_s:.0f}", f"{ratio:.2f}", *shares, f"{row.failed}"]
                print("| " + " | ".join(cells) + " |")
    print("peak MB: " + ", ".join(f"{server.name} {server.peak_mb:.0f}" for server in measured))
    if mine in measured:
        for name, found in again.items():
            print(f"{name}: {found.per_s:.0f} a second, p50 {found.p50_ms:.1f} ms, 8 connections")


if __name__ == "__main__":
    main()
