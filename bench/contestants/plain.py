"""The DCGAN loop that PyTorch tutorials teach: a DataLoader, two passes through D, G run forward twice a step."""

import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from bench.contestants.answering import answer
from bench.textbook import discriminator, generator
from models.recipe import PRESETS
from worker.training.data import EMBEDDED, load_dataset, to_unit_range

WARM_UP_STEPS = 3
RECIPE = PRESETS["faithful"]
IMAGES = TensorDataset(to_unit_range(load_dataset(EMBEDDED / "mnist").images))


def batches(size: int) -> Iterator[Tensor]:
    """Shuffled batches without end."""
    loader = DataLoader(IMAGES, batch_size=size, shuffle=True, drop_last=True)
    while True:
        for (real,) in loader:
            yield real


def measure(batch_size: int, steps: int) -> float:
    """Images a second over `steps` steps after a few to warm up."""
    G, D = generator(), discriminator()
    opt_G, opt_D = (torch.optim.Adam(network.parameters(), RECIPE.lr_g, eps=RECIPE.adam_eps) for network in (G, D))
    criterion = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(batch_size, 1), torch.zeros(batch_size, 1)
    start = 0.0
    for step, real in enumerate(batches(batch_size)):
        if step == WARM_UP_STEPS:
            start = time.perf_counter()
        if step == WARM_UP_STEPS + steps:
            break
        opt_D.zero_grad()
        torch.autograd.backward(criterion(D(real), ones))
        fake = G(torch.randn(batch_size, RECIPE.z_dim))
        torch.autograd.backward(criterion(D(fake.detach()), zeros))
        opt_D.step()
        opt_G.zero_grad()
        fake = G(torch.randn(batch_size, RECIPE.z_dim))
        torch.autograd.backward(criterion(D(fake), ones))
        opt_G.step()
    return batch_size * steps / (time.perf_counter() - start)


if __name__ == "__main__":
    answer(measure)
