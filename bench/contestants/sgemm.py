"""What the machine can do: products of two large float32 matrices, in floating-point operations a second."""

import statistics
import time

import torch

from bench.contestants.answering import answer

SIZE = 1536


def measure(_: int, steps: int) -> float:
    """The median over `steps` products."""
    a, b, c = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE), torch.empty(SIZE, SIZE)
    seconds = []
    for _step in range(steps):
        start = time.perf_counter()
        torch.mm(a, b, out=c)
        seconds.append(time.perf_counter() - start)
    return 2 * SIZE**3 / statistics.median(seconds)


if __name__ == "__main__":
    answer(measure)
