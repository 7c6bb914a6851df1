"""Our Adam is torch's, and does not load torch's compiler."""

import subprocess
import sys

import torch
from torch import nn

from worker.training.adam import Adam

LR, BETAS, EPS = 0.01, (0.5, 0.9), 1e-6


def layer() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(5, 3)


def test_it_ends_where_torchs_ends_when_the_rate_changes_between_steps() -> None:
    ours, theirs = layer(), layer()
    our_adam = Adam(ours.parameters(), LR, BETAS, EPS)
    their_adam = torch.optim.Adam(theirs.parameters(), LR, BETAS, EPS, fused=True)
    for step in range(5):
        our_adam.set_rate(LR / (step + 1))
        their_adam.param_groups[0]["lr"] = LR / (step + 1)
        for network in (ours, theirs):
            x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
            network.zero_grad()
            torch.autograd.backward(network(x).square().sum())
        our_adam.step()
        their_adam.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
    remembered = their_adam.state_dict()["state"]
    assert set(our_adam.tensors) == {f"{i}/{slot}" for i, slots in remembered.items() for slot in slots}
    for key, tensor in our_adam.tensors.items():
        index, slot = key.split("/")
        assert torch.equal(tensor, remembered[int(index)][slot])


def test_zero_grad_forgets_the_gradients() -> None:
    network = layer()
    torch.autograd.backward(network(torch.ones(1, 5)).sum())
    Adam(network.parameters(), LR, BETAS, EPS).zero_grad()
    assert all(p.grad is None for p in network.parameters())


def test_a_run_does_not_load_torchs_compiler() -> None:
    program = (
        "import sys, tempfile, torch; from pathlib import Path\n"
        "from core.recipe import PRESETS; from worker.training.data import EMBEDDED, load_dataset\n"
        "from core.run_dir import RunDir; from worker.training.loop import train\n"
        "from worker.training.task import Callbacks, Task\n"
        "recipe = PRESETS['smoke'].model_copy(update={'num_images': 64, 'epochs': 1})\n"
        "dataset = load_dataset(EMBEDDED / 'mnist', 64)\n"
        "task = Task(recipe, dataset, RunDir(Path(tempfile.mkdtemp())), torch.device('cpu'))\n"
        "train(task, Callbacks(lambda _: None, lambda: False))\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
