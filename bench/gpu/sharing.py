"""Two jobs at once on one card: their images a second together, beside those of one alone."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from bench.gpu.findings import Findings, run_part
from bench.gpu.subjects import recipe_of
from core.recipe import PresetName, Recipe
from worker.trainer import SPIN_COUNT

AIM = 1.6
SECONDS = 4.0
PRESETS: list[PresetName] = ["faithful", "quality"]
SMALL = {"num_images": 128, "batch_size": 16, "g_filters": 4, "d_filters": 4}
MPS = "nvidia-cuda-mps-control"


class Trainer:
    """A trainer process that runs until it is ended, and the newest step that it told of."""

    def __init__(self, command: list[str]) -> None:
        environment = os.environ | {"GOMP_SPINCOUNT": SPIN_COUNT}  # as workers do
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.told: tuple[float, int] | None = None  # when, and which step
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "progress":
                self.told = time.perf_counter(), event["step"]

    def next_told(self) -> tuple[float, int]:
        """Wait for the next progress. Raises RuntimeError when the trainer has ended."""
        before = self.told
        while self.told is None or self.told == before:
            if self._process.poll() is not None:
                raise RuntimeError(f"the trainer ended with status {self._process.returncode}")
            time.sleep(0.01)
        return self.told

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self._reader.join()


def rates(jobs: int, seconds: float, recipe: Recipe, *arguments: str) -> list[float]:
    """Images a second of each of some jobs, over a time in which all of them train."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "recipe.json").write_text(recipe.model_dump_json())
        command = [
            sys.executable,
            "-m",
            "worker.training",
            "--recipe",
            f"{folder}/recipe.json",
            *arguments,
            "--run-dir",
        ]
        trainers = [Trainer([*command, f"{folder}/{job}"]) for job in range(jobs)]
        try:
            for trainer in trainers:
                trainer.next_told()  # all are at work from here on
            first = [trainer.next_told() for trainer in trainers]
            time.sleep(seconds)
            last = [trainer.next_told() for trainer in trainers]
        finally:
            for trainer in trainers:
                trainer.end()
        return [
            (step_b - step_a) * recipe.images_per_step / (b - a)
            for (a, step_a), (b, step_b) in zip(first, last, strict=True)
        ]


@contextmanager
def multi_process_service() -> Iterator[None]:
    """NVIDIA's MPS for the processes that are started meanwhile, which lets them use the card at the same moment."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"CUDA_MPS_PIPE_DIRECTORY": folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        subprocess.run([MPS, "-d"], env=os.environ | own, check=True, timeout=30)
        os.environ.update(own)
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
        "recipe",
        "one",
        "two together",
        "two / one",
        "two under MPS",
        "these / one",
    )
    seconds = 0.0 if rehearse else SECONDS
    for preset in PRESETS:
        recipe = recipe_of(preset, epochs=10_000, **(SMALL if rehearse else {}))
        on_device = ["--device", str(device)]
        (alone,) = rates(1, seconds, recipe, *on_device)
        together = sum(rates(2, seconds, recipe, *on_device))
        row: list[object] = [preset, round(alone), round(together), f"{together / alone:.2f}"]
        table.rows.append(row)
        if not rehearse:
            found = f"{together / alone:.2f} times"
            findings.claim(f"two jobs of {preset}: {AIM:g} times the rate of one", together >= AIM * alone, found)
        try:
            with multi_process_service():
                shared = sum(rates(2, seconds, recipe, *on_device))
            row += [round(shared), f"{shared / alone:.2f}"]
        except (FileNotFoundError, subprocess.SubprocessError, RuntimeError) as error:
            row += [f"not to be had: {error}", "-"]


if __name__ == "__main__":
    run_part(check)
