"""The devices of this machine that a worker trains on, one job at a time on each.

A worker does not load torch; where an NVIDIA or AMD driver is there, a short process with torch counts the GPUs.
"""

import subprocess
from pathlib import Path

from billiard import current_process

from core.errors import StartError
from core.startup import PYTHON

DRIVERS = [Path(device) for device in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")]  # NVIDIA, AMD, Windows' Linux
COUNT = "import torch; print(torch.cuda.device_count())"
COUNT_S = 120.0


def devices_of(wanted: str) -> list[str]:
    """The devices that a setting such as `auto` or `cuda:0,cuda:1` names, one for each job at a time.

    A device that is named twice carries two jobs at once. `auto` is every GPU, or the CPU where there is none. Raises
    StartError for one that is not there.
    """
    if wanted == "auto":
        return [f"cuda:{index}" for index in range(count_gpus())] or ["cpu"]
    named = ["cuda:0" if name == "cuda" else name for name in wanted.split(",")]
    if any(name.startswith("cuda") for name in named):
        there = [f"cuda:{index}" for index in range(count_gpus())]
        for name in named:
            if name.startswith("cuda") and name not in there:
                allowed = ", ".join(["auto", "cpu", *there])
                raise StartError(f"DIGITFORGE_DEVICES = {wanted!r}: torch sees no {name} here; allowed: {allowed}")
    return named


def count_gpus() -> int:
    """How many GPUs torch sees; 0 at once where no driver is there."""
    if not any(driver.exists() for driver in DRIVERS):
        return 0
    try:
        counted = subprocess.run([*PYTHON, "-c", COUNT], capture_output=True, text=True, timeout=COUNT_S, check=True)
        return int(counted.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def own_device(devices: list[str]) -> str:
    """The device of the pool child that asks: Celery numbers its children from 0, and a replacement gets the number."""
    return devices[own_lane()]


def own_lane() -> int:
    """The place of that device in the list."""
    index: int = current_process().index
    return index
