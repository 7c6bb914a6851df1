"""Training speed and memory by the shape of the images, beside what its multiply-adds would take.

python -m bench.shapes

Each shape is trained by a process on one thread and by one on as many as there are cores, which take turns. The first
counts CPU time, which is much the same however busy the machine is; the second goes by the clock.
"""

import argparse
import os
import sys
from typing import NamedTuple

from bench.contestants.shaped import CLASSES
from bench.train import Contestant
from core.cost import multiply_adds
from core.image_shape import ImageShape
from core.recipe import PRESETS

BATCH_SIZE = 64
KIMG = 300  # a budget for few images


class Row(NamedTuple):
    """What is trained."""

    side: int
    channels: int
    g_filters: int
    d_filters: int
    d_layers: int


ROWS = [Row(28, 1, 64, 32, 3), Row(32, 3, 64, 32, 3), Row(64, 3, 32, 32, 4), Row(64, 3, 64, 32, 4)]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.shapes", description="Training speed by shape.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help="of a round")
    arguments = parser.parse_args()
    threads = [1, os.cpu_count() or 1]
    load = f"load average {os.getloadavg()[0]:.1f} at the start"
    print(f"{threads[1]} cores, {load}; batch {BATCH_SIZE}, the medians of {arguments.rounds} rounds")
    print("| images | `g_filters`, `d_filters`, `d_layers` | multiply-adds an image, M |", end="")
    for on in ("of CPU time, 1 thread", f"by the clock, {threads[1]} threads"):
        print(f" images/s {on} | multiply-adds/s, G | peak MB |", end="")
    print(f" minutes of CPU time for {KIMG} kimg |\n|{'---|' * 10}")
    for row in ROWS:
        shape = ImageShape.model_validate({"side": row.side, "channels": row.channels})
        work = multiply_adds(shape, row.g_filters, row.d_filters, row.d_layers, PRESETS["quality"].z_dim + CLASSES)
        cells = [str(shape), f"{row.g_filters}, {row.d_filters}, {row.d_layers}", f"{work / 1e6:.0f}"]
        command = [sys.executable, "-m", "bench.contestants.shaped", *map(str, row)]
        contestants = [Contestant(f"{number} threads", [*command, str(number)]) for number in threads]
        for _ in range(arguments.rounds):
            for contestant in contestants:
                contestant.take_turn(BATCH_SIZE, arguments.steps)
        rates = [contestant.median() for contestant in contestants]
        for rate, contestant in zip(rates, contestants, strict=True):
            cells += [f"{rate:.0f}", f"{rate * work / 1e9:.0f}", f"{contestant.peak_mb:.0f}"]
            contestant.end()
        print("| " + " | ".join([*cells, f"{KIMG * 1000 / rates[0] / 60:.0f}"]) + " |", flush=True)


if __name__ == "__main__":
    main()
