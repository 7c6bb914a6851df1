"""Training speed side by side: this project's loop, the plain PyTorch loop, the Keras tutorial's, and the bound.

    make bench-train

All contestants train the networks of the Keras DCGAN tutorial on MNIST. Their processes live side by side and take
turns, round by round, so that a busy spell of the machine falls on all of them; the medians are compared. The bound is
what the step's multiply-adds would take at the rate of a large matrix product, measured in the same rounds:
`torch.mm`'s, and beside it oneDNN's, which does the convolutions. All compute in float32; what this project's loop does
in bfloat16 stands beside it, and is compared with nobody.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

MULTIPLY_ADDS = 35.5e6  # of one update of D and one of G with the tutorial's networks, for each image
IMAGES_PER_TURN = 4096
ROOT = Path(__file__).resolve().parents[1]


class Contestant:
    """A running program of `bench/contestants/`."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.rates: list[float] = []
        self.peak_mb = 0.0
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )

    def take_turn(self, batch_size: int, steps: int) -> None:
        """Have it measured once more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{batch_size} {steps}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended without an answer; run it by hand to see why")
        answer = json.loads(line)
        self.rates.append(answer["rate"])
        self.peak_mb = answer["peak_mb"]

    def median(self) -> float:
        """The median rate since the last call."""
        rate = statistics.median(self.rates)
        self.rates.clear()
        return rate

    def end(self) -> None:
        """End the program."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.train", description="Training speed beside the peers.")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keras-python", help="an interpreter with tensorflow-cpu; without it Keras is left out")
    arguments = parser.parse_args()

    def program(name: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", f"bench.contestants.{name}", *arguments]

    sgemm, onednn = Contestant("sgemm", program("sgemm")), Contestant("oneDNN", program("sgemm", "onednn"))
    ours, in_bfloat16 = Contestant("ours", program("ours")), Contestant("in bfloat16", program("ours", "bfloat16"))
    peers = [Contestant("plain PyTorch", program("plain"))]
    if arguments.keras_python:
        peers.append(Contestant("Keras", [arguments.keras_python, "bench/contestants/keras_tutorial.py"]))
    print(f"{os.cpu_count()} cores; the medians of {arguments.rounds} rounds of {IMAGES_PER_TURN} images")
    print("| batch | sgemm GFLOP/s | oneDNN GFLOP/s | bound images/s | " + " | ".join(p.name for p in peers), end="")
    print(" | ours | " + " | ".join(f"ours / {p.name}" for p in peers), end="")
    print(" | share of the bound | share of oneDNN's | ours in bfloat16 |")
    for batch_size in arguments.batch_sizes:
        for _ in range(arguments.rounds):
            for contestant in (*peers, ours, in_bfloat16):
                sgemm.take_turn(0, 8)
                onednn.take_turn(0, 8)
                contestant.take_turn(batch_size, IMAGES_PER_TURN // batch_size)
        products = [sgemm.median(), onednn.median()]
        bounds = [flops / (2 * MULTIPLY_ADDS) for flops in products]
        rate, rates = ours.median(), [p.median() for p in peers]
        cells = [f"{batch_size}", *(f"{flops / 1e9:.0f}" for flops in products), f"{bounds[0]:.0f}"]
        cells += [*(f"{r:.0f}" for r in rates), f"{rate:.0f}", *(f"{rate / r:.2f}" for r in rates)]
        cells += [*(f"{rate / bound:.2f}" for bound in bounds), f"{in_bfloat16.median():.0f}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    print("peak MB: " + ", ".join(f"{c.name} {c.peak_mb:.0f}" for c in (*peers, ours, in_bfloat16)))
    for contestant in (sgemm, onednn, ours, in_bfloat16, *peers):
        contestant.end()


if __name__ == "__main__":
    main()
