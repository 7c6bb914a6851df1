"""What a store that machines share costs on top of files: the time of an epoch, CPU time, and the time of a picture.

    python -m bench.shared_store --rounds 3

A job is trained by the real supervisor and trainer, with files and with SeaweedFS on this machine in turns, so that a
busy spell falls on both. An epoch is what lies between two checkpoints. The CPU time of the worker is that of the
supervisor's process, which saves; that of the store is spent elsewhere where the store is.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import httpx

from cli.redis_server import RedisServer
from core.card import read_card
from core.ports import hold_port, port_of
from core.recipe import with_preset
from core.run_dir import JobDir
from jobs.record import TrainSpec
from jobs.redis_client import connect
from jobs.store import JobStore
from tests.object_servers import SeaweedFS

ROOT = Path(__file__).resolve().parents[1]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SUPERVISOR = """
import json, resource
from core.settings import Settings
from jobs.store import JobStore
from sharing.places import Places
from worker.supervisor import Supervisor

settings = Settings()
assert Supervisor(JobStore.of(settings), Places.of(settings), "cpu", lambda: False).run()
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps(used.ru_utime + used.ru_stime))
"""


class Turn(NamedTuple):
    """One job: seconds."""

    epochs: list[float]
    worker_cpu: float
    store_cpu: float


class Bench:
    """Jobs of one recipe, on a Redis and a store of their own."""

    def __init__(self, folder: Path, redis_url: str, server: SeaweedFS, spec: TrainSpec) -> None:
        self._folder, self._redis_url, self._server, self._spec = folder, redis_url, server, spec
        self._jobs = JobStore(connect(redis_url), 30)
        self._lent = server.lend()

    def train(self, kind: str) -> Turn:
        """Train the recipe once."""
        data, job_id = self._folder / kind, self._jobs.create(self._spec).job.id
        before = self._store_cpu_s()
        command = [sys.executable, "-c", SUPERVISOR]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=ROOT, env=self.environment(kind, data)
        )
        job = self._jobs.get(job_id)
        assert job.error is None, job.error
        checkpoints = JobDir(data / "runs", job_id).attempt(1).checkpoint_folders()
        ends = [read_card(folder).created_at.timestamp() for folder in checkpoints]
        return Turn(
            [later - earlier for earlier, later in pairwise(ends)], float(done.stdout), self._store_cpu_s() - before
        )

    def environment(self, kind: str, data: Path) -> dict[str, str]:
        """The variables of a service of this kind."""
        own = {"DIGITFORGE_REDIS_URL": self._redis_url, "DIGITFORGE_DATA_DIR": str(data)}
        return os.environ | own | (self._lent.environment if kind == "s3" else {})

    def _store_cpu_s(self) -> float:
        assert self._server.process is not None
        fields = Path(f"/proc/{self._server.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.shared_store", description="A shared store beside files.")
    parser.add_argument("--preset", default="faithful", choices=["faithful", "quality", "fast", "smoke"])
    parser.add_argument("--num-images", type=int, default=8192, help="of an epoch; all that MNIST has are 60000")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=200, help="of each kind and round")
    arguments = parser.parse_args()
    knobs = {"num_images": arguments.num_images, "epochs": arguments.epochs}
    recipe = with_preset(arguments.preset, knobs if arguments.preset != "smoke" else {"epochs": arguments.epochs})
    spec = TrainSpec.model_validate({"preset": arguments.preset, "recipe": recipe, "publish": "never"})
    with tempfile.TemporaryDirectory() as name, SeaweedFS(Path(name, "seaweedfs")) as server:
        redis = RedisServer(Path(name, "redis"))
        redis.start()
        try:
            bench = Bench(Path(name), redis.url, server, spec)
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {arguments.rounds} rounds in turns")
            compare_epochs(bench, arguments.rounds)
            compare_pictures(bench, Path(name), arguments.rounds, arguments.pictures)
        finally:
            redis.stop()


def compare_epochs(bench: Bench, rounds: int) -> None:
    """The epochs of both kinds: medians, and what the worst took."""
    turns: dict[str, list[Turn]] = {"files": [], "s3": []}
    for _ in range(rounds):
        for kind, done in turns.items():
            done.append(bench.train(kind))
    print("\n| | epoch, median s | longest s | worker CPU s a job | store CPU s a job |\n|---|---|---|---|---|")
    for kind, done in turns.items():
        epochs = [epoch for turn in done for epoch in turn.epochs]
        cpu = (statistics.median(turn.worker_cpu for turn in done), statistics.median(turn.store_cpu for turn in done))
        print(f"| {kind} | {statistics.median(epochs):.3f} | {max(epochs):.3f} | {cpu[0]:.2f} | {cpu[1]:.2f} |")
    medians = [statistics.median(epoch for turn in done for epoch in turn.epochs) for done in turns.values()]
    print(f"\nan epoch with the store takes {medians[1] / medians[0] - 1:+.1%}")


def compare_pictures(bench: Bench, folder: Path, rounds: int, pictures: int) -> None:
    """The time of a picture that nobody asked for before, over one connection."""
    with _api(bench, "files", folder) as files, _api(bench, "s3", folder) as s3:
        taken: dict[str, list[float]] = {"files": [], "s3": []}
        for number in range(rounds):
            for kind, http in (("files", files), ("s3", s3)):
                for seed in range(number * pictures, (number + 1) * pictures):
                    begun = time.perf_counter()
                    http.get(f"/generate?n=16&seed={seed}").raise_for_status()
                    taken[kind].append(1000 * (time.perf_counter() - begun))
    print("\n| | picture of 16, median ms | 95 % ms |\n|---|---|---|")
    for kind, times in taken.items():
        print(f"| {kind} | {statistics.median(times):.2f} | {statistics.quantiles(times, n=20)[-1]:.2f} |")


@contextmanager
def _api(bench: Bench, kind: str, folder: Path) -> Iterator[httpx.Client]:
    """The API as a process, in a data directory of its own."""
    with hold_port() as held:
        port = str(port_of(held))
        environment = bench.environment(kind, folder / f"api-{kind}") | {"DIGITFORGE_PORT": port}
        command = [sys.executable, "-m", "app"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as api:
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
                    wait_for_drawing(api, http)
                    yield http
            finally:
                api.terminate()


def wait_for_drawing(api: "subprocess.Popen[bytes]", http: httpx.Client) -> None:
    """Return once an API draws. Raises SystemExit where it ends before."""
    while api.poll() is None:
        with suppress(httpx.HTTPError):
            http.get("/generate?n=1").raise_for_status()
            return
        time.sleep(0.2)
    raise SystemExit("the API ended; run it by hand to see why")


if __name__ == "__main__":
    main()
