"""What the machine can do: the product of two large float32 matrices, in floating-point operations a second.

By `torch.mm`, or with the argument `onednn` by a convolution of 1x1: the two come from different libraries, and use
different instructions of some processors.
"""

import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.contestants.answering import answer

SIZE, IMAGES = 1536, 16


def by_mm() -> Callable[[], Tensor]:
    """The product by `torch.mm`."""
    a, b, c = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE), torch.empty(SIZE, SIZE)
    return lambda: torch.mm(a, b, out=c)


def by_onednn() -> Callable[[], Tensor]:
    """The same product as a convolution: a row of the first matrix is a place in an image."""
    images, kernel = torch.randn(IMAGES, SIZE, SIZE // IMAGES, 1), torch.randn(SIZE, SIZE, 1, 1)
    images, kernel = (x.contiguous(memory_format=torch.channels_last) for x in (images, kernel))
    return lambda: F.conv2d(images, kernel)


@torch.inference_mode()
def measure(_: int, steps: int) -> float:
    """The median over `steps` products."""
    product = by_onednn() if sys.argv[1:] == ["onednn"] else by_mm()
    seconds = []
    for _step in range(steps):
        start = time.perf_counter()
        product()
        seconds.append(time.perf_counter() - start)
    return 2 * SIZE**3 / statistics.median(seconds)


if __name__ == "__main__":
    answer(measure)
