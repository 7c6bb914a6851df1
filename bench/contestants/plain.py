"""The DCGAN loop that PyTorch tutorials teach: a DataLoader, two passes through D, G run forward twice a step."""

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from bench.contestants.answering import answer
from bench.textbook import discriminator, generator
from core.recipe import PRESETS
from worker.training.data import EMBEDDED, load_dataset, to_unit_range

WARM_UP_STEPS = 3
RECIPE = PRESETS["faithful"]


def batches(size: int) -> Iterator[Tensor]:
    """Shuffled batches without end."""
    images = TensorDataset(to_unit_range(load_dataset(EMBEDDED / "mnist").images))
    loader = DataLoader(images, batch_size=size, shuffle=True, drop_last=True)
    while True:
        for (real,) in loader:
            yield real


def train_step(G: nn.Module, D: nn.Module, batch_size: int) -> Callable[[Tensor], None]:
    """One step for a batch of real images [B, 1, 28, 28], on the device where the networks are."""
    device = next(G.parameters()).device
    opt_D, opt_G = (torch.optim.Adam(network.parameters(), RECIPE.lr_g, eps=RECIPE.adam_eps) for network in (D, G))
    criterion = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(batch_size, 1, device=device), torch.zeros(batch_size, 1, device=device)

    def step(real: Tensor) -> None:
        opt_D.zero_grad()
        torch.autograd.backward(criterion(D(real), ones))
        fake = G(torch.randn(batch_size, RECIPE.z_dim, device=device))
        torch.autograd.backward(criterion(D(fake.detach()), zeros))
        opt_D.step()
        opt_G.zero_grad()
        fake = G(torch.randn(batch_size, RECIPE.z_dim, device=device))
        torch.autograd.backward(criterion(D(fake), ones))
        opt_G.step()

    return step


def measure(batch_size: int, steps: int) -> float:
    """Images a second over `steps` steps after a few to warm up."""
    step = train_step(generator(), discriminator(), batch_size)
    start = 0.0
    for number, real in enumerate(batches(batch_size)):
        if number == WARM_UP_STEPS:
            start = time.perf_counter()
        if number == WARM_UP_STEPS + steps:
            break
        step(real)
    return batch_size * steps / (time.perf_counter() - start)


if __name__ == "__main__":
    answer(measure)
