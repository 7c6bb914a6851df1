"""The step of this project on images of any shape: `shaped SIDE CHANNELS G_FILTERS D_FILTERS D_LAYERS THREADS`.

The images are smooth patterns of ten classes, as many bytes as photographs have. The recipe is `quality` otherwise.
"""

import sys
import time

import torch
from torch.nn import functional as F

from bench.contestants.answering import answer
from core.image_shape import ImageShape
from core.recipe import PRESETS
from worker.training.data import Dataset
from worker.training.gan import Gan, seed_all
from worker.training.process import keep_freed_memory

CLASSES = 10


def patterns(n: int, shape: ImageShape) -> Dataset:
    """Images of coarse noise, a class each in turn."""
    coarse = torch.rand(n, shape.channels, 4, 4, generator=torch.Generator().manual_seed(0)) * 255
    images = F.interpolate(coarse, (shape.side, shape.side), mode="bilinear").permute(0, 2, 3, 1)
    return Dataset(images.to(torch.uint8).contiguous(), torch.arange(n) % CLASSES, "0" * 64)


def measure(batch_size: int, steps: int) -> float:
    """Images a second over `steps` steps: of CPU time on one thread, else by the clock."""
    side, channels, g_filters, d_filters, d_layers, threads = map(int, sys.argv[1:])
    widths = {"g_filters": g_filters, "d_filters": d_filters, "d_layers": d_layers}
    recipe = PRESETS["quality"].model_copy(update={"batch_size": batch_size, **widths})
    shape = ImageShape.model_validate({"side": side, "channels": channels})
    gan = Gan(recipe, patterns(max(500, batch_size), shape), torch.device("cpu"))
    clock = time.process_time if threads == 1 else time.perf_counter
    started = clock()
    for step in range(steps + 1):
        if step == 1:  # the first one allocates
            started = clock()
        seed_all(0, "step", step)
        gan.chosen.copy_(torch.randperm(len(gan.chosen)))
        gan.step()
    rate = steps * batch_size / (clock() - started)
    gan.finish_average()  # an epoch ends with it, and it may be what takes most memory
    return rate


if __name__ == "__main__":
    keep_freed_memory()
    torch.set_flush_denormal(True)
    torch.set_num_threads(int(sys.argv[-1]))
    answer(measure)
