"""Two jobs at once on one card: their images a second together, beside those of one alone."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

import torch

from bench.gpu.findings import Findings, run_part
from bench.gpu.whole_runs import FEW
from models.recipe import PresetName

AIM = 1.6
WARM_UP_EPOCHS = 1
EPOCHS: dict[PresetName, int] = {"faithful": 4, "quality": 2}
MPS = "nvidia-cuda-mps-control"


def rates(jobs: int, device: torch.device, *arguments: str) -> list[float]:
    """Images a second of each of some jobs that run at once: the mean over all epochs but the first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "worker.training", "--device", str(device), *arguments, "--run-dir"]
        trainers = [
            subprocess.Popen([*command, f"{folder}/{job}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for job in range(jobs)
        ]
        return [_mean_rate(trainer) for trainer in trainers]


def _mean_rate(trainer: subprocess.Popen[bytes]) -> float:
    printed, _ = trainer.communicate(timeout=120)
    events = [json.loads(line) for line in printed.splitlines()]
    measured: list[float] = [event["images_per_s"] for event in events if event["event"] == "epoch"][WARM_UP_EPOCHS:]
    return sum(measured) / max(1, len(measured))


@contextmanager
def multi_process_service() -> Iterator[None]:
    """NVIDIA's MPS for the processes that are started meanwhile, which lets them use the card at the same moment."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"CUDA_MPS_PIPE_DIRECTORY": folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        os.environ.update(own)
        subprocess.run([MPS, "-d"], check=True, timeout=30)
        try:
            yield
        finally:
            subprocess.run([MPS], input=b"quit\n", check=False, timeout=30)
            for name in own:
                del os.environ[name]


def check(findings: Findings, device: torch.device, rehearse: bool) -> None:
    """Measure one job, two jobs, and where there is MPS two jobs under it."""
    table = findings.table(
        "Jobs at once on one card, images/s",
        "recipe", "CUDA graph", "one", "two together", "two / one", "two under MPS", "these / one",
    )  # fmt: skip
    for preset, epochs in EPOCHS.items():
        knobs = ["--preset", preset, *(FEW if rehearse else ["--epochs", str(epochs)])]
        for graph in ([], ["--no-cuda-graph"]):
            (alone,) = rates(1, device, *knobs, *graph)
            together = sum(rates(2, device, *knobs, *graph))
            row: list[object] = [preset, not graph, round(alone), round(together), f"{together / alone:.2f}"]
            table.rows.append(row)
            if not (graph or rehearse):
                found = f"{together / alone:.2f} times"
                findings.claim(f"two jobs of {preset}: {AIM:g} times the rate of one", together >= AIM * alone, found)
            if which(MPS):
                with multi_process_service():
                    shared = sum(rates(2, device, *knobs, *graph))
                row += [round(shared), f"{shared / alone:.2f}"]


if __name__ == "__main__":
    run_part(check)
