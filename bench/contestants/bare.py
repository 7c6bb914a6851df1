"""Drawing and encoding without a server: one thread, one grid after the other."""

import time

import torch

from bench.contestants.answering import answer
from models.checkpoint import load_generator
from models.folding import FoldedGenerator
from models.grid import square_columns, tile, to_png
from models.sampling import draw
from models.shelf import PRETRAINED


def measure(batch_size: int, steps: int) -> float:
    """Images a second over `steps` grids of `batch_size` images."""
    G = FoldedGenerator.of(load_generator(PRETRAINED))
    draw(G, 0, 0, batch_size)
    start = time.perf_counter()
    for step in range(steps):
        to_png(tile(draw(G, step, 0, batch_size), square_columns(batch_size), 2, 1))
    return batch_size * steps / (time.perf_counter() - start)


if __name__ == "__main__":
    torch.set_num_threads(1)
    answer(measure)
