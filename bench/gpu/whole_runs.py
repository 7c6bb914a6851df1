"""Whole runs by the trainer's command, as the worker starts it: seconds, scores, memory."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from bench.gpu.findings import Findings, run_part
from models.judge import FOLDER as JUDGE
from worker.device_memory import memory_mb
from worker.training.data import EMBEDDED

FEW = ["--num-images", "128", "--epochs", "2", "--batch-size", "64", "--g-filters", "4", "--d-filters", "4"]
FIRST_STEP_S, FAITHFUL_S, QUALITY_S = 4.0, 10.0, 60.0


class Run(NamedTuple):
    """What a run took, and what came of it."""

    started_s: float  # from the start of the process to its first step
    total_s: float
    peak_mb: float  # of the device's memory, as the system sees it
    scores: list[dict[str, Any]]
    images_per_s: float  # of its last epoch's steps
    end: dict[str, Any]


def run(device: torch.device, *arguments: str) -> Run:
    """Run the trainer to its end."""
    with tempfile.TemporaryDirectory() as run_dir:
        command = [sys.executable, "-m", "worker.training", "--run-dir", run_dir, "--device", str(device), *arguments]
        start, started_s, peak_mb, scores, rate, event = time.perf_counter(), 0.0, 0.0, [], 0.0, {}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trainer:
            assert trainer.stdout is not None
            for line in trainer.stdout:
                event = json.loads(line)
                if event["event"] == "started":
                    started_s = time.perf_counter() - start
                if event["event"] == "epoch":
                    peak_mb, rate = max(peak_mb, memory_mb(trainer.pid, str(device))), event["images_per_s"]
                    scores += [event["scores"]] if event["scores"] else []
        return Run(started_s, time.perf_counter() - start, peak_mb, scores, rate, event)


def check(findings: Findings, device: torch.device, rehearse: bool) -> None:
    """Train `faithful` and `quality`."""
    few = FEW if rehearse else []
    with tempfile.TemporaryDirectory() as datasets:
        shutil.copytree(EMBEDDED / "mnist", Path(datasets, "mnist"), ignore=shutil.ignore_patterns(JUDGE))
        faithful = run(device, "--preset", "faithful", "--datasets", datasets, *few)
    scored = run(device, "--preset", "faithful", *few)
    quality = run(device, "--preset", "quality", *few)
    rounded = run(device, "--preset", "quality", "--precision", "bfloat16", *few)
    table = findings.table(
        "Whole runs by the trainer's command",
        "run", "to the first step, s", "in all, s", "images/s, last epoch", "device MB", "scored",
        "best frechet / floor", "its coverage",
    )  # fmt: skip
    runs = {"faithful": faithful, "faithful, scored": scored, "quality": quality, "quality, bfloat16": rounded}
    for name, found in runs.items():
        best = min(found.scores, key=lambda scores: scores["frechet"], default=None)
        seconds = [f"{found.started_s:.1f}", f"{found.total_s:.1f}"]
        measured = [round(found.images_per_s), round(found.peak_mb), len(found.scores)]
        table.rows.append(
            [name, *seconds, *measured, *([_over_floor(best), f"{best['coverage']:.3f}"] if best else "--")]
        )
        findings.claim(f"{name}: finishes", found.end.get("event") == "finished", json.dumps(found.end)[:300])

    if rehearse:
        return

    def aim(what: str, seconds: float, most: float) -> None:
        findings.claim(f"{what} within {most:g} s", seconds <= most, f"{seconds:.1f} s")

    aim("a run's first step", quality.started_s, FIRST_STEP_S)
    aim("30 epochs of faithful", faithful.total_s, FAITHFUL_S)
    aim("quality with its scores", quality.total_s, QUALITY_S)


def _over_floor(scores: dict[str, Any]) -> str:
    return f"{scores['frechet'] / scores['floor']['frechet']:.2f}"


if __name__ == "__main__":
    run_part(check)
