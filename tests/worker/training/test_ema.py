import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.dcgan import Generator
from models.sampling import draw, latents
from tests.tiny import networks, tiny_recipe
from worker.training.ema import (
    REFRESH_BATCH_SIZE,
    REFRESH_BATCHES,
    REFRESH_SEED,
    copy_network,
    decay_per_step,
    refresh_batch_norm,
    update_average,
)

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def generator(seed: int, **knobs: Any) -> Generator:
    return networks(tiny_recipe(**knobs), seed)[0]


def flat(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize(("half_life_kimg", "images"), [(10, 128), (0.064, 64), (0.5, 3)])
def test_the_distance_halves_in_a_half_life(half_life_kimg: float, images: int) -> None:
    steps = half_life_kimg * 1000 / images
    assert decay_per_step(half_life_kimg, images) ** steps == pytest.approx(0.5)


def test_no_half_life_is_no_averaging() -> None:
    assert decay_per_step(0, 128) == 0


def test_an_average_moves_towards_a_standing_target_by_half_in_a_half_life() -> None:
    G, G_ema = generator(0), generator(1)
    away = flat(G_ema) - flat(G)
    target = flat(G)
    for _ in range(5):
        update_average(G_ema, G, decay_per_step(0.32, 64))
    torch.testing.assert_close(flat(G_ema) - target, away / 2)
    assert torch.equal(flat(G), target)


def test_without_averaging_the_average_is_the_network() -> None:
    G, G_ema = generator(0), generator(1)
    update_average(G_ema, G, decay_per_step(0, 64))
    assert torch.equal(flat(G_ema), flat(G))


def directly_computed(G: Generator, z: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Mean and unbiased variance of what each BatchNorm is given, as one batch runs through in training mode."""
    found, x = [], z
    for layer in G:
        if isinstance(layer, NORMS):
            axes = [axis for axis in range(x.ndim) if axis != 1]
            found.append((x.mean(dim=axes), x.var(dim=axes)))
            x = F.batch_norm(x, None, None, layer.weight, layer.bias, training=True, eps=layer.eps)
        else:
            x = layer(x)
    return found


@torch.no_grad()
def test_refreshed_statistics_are_those_of_the_average_itself() -> None:
    G = generator(3, g_hidden_layers=1, g_hidden_units=6)
    rows = (REFRESH_BATCHES * REFRESH_BATCH_SIZE, G.z_dim)
    batches = torch.split(latents(REFRESH_SEED, 0, *rows), REFRESH_BATCH_SIZE)
    expected = [directly_computed(G, z) for z in batches]

    refresh_batch_norm(G)

    norms = [layer for layer in G if isinstance(layer, NORMS)]
    assert len(norms) == 3
    for index, norm in enumerate(norms):
        means, variances = zip(*(batch[index] for batch in expected), strict=True)
        torch.testing.assert_close(norm.running_mean, torch.stack(means).mean(dim=0), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(norm.running_var, torch.stack(variances).mean(dim=0), rtol=1e-4, atol=1e-5)


def test_a_refresh_restores_the_momenta_and_leaves_evaluation_mode() -> None:
    G = generator(0)
    before = flat(G)
    refresh_batch_norm(G)
    assert not any(module.training for module in G.modules())
    assert {layer.momentum for layer in G if isinstance(layer, NORMS)} == {0.01}
    assert torch.equal(flat(G), before)


def test_a_refresh_forgets_what_was_measured_before_and_draws_no_random_numbers() -> None:
    G = generator(0)
    other = copy.deepcopy(G)
    other(100 + torch.randn(64, G.z_dim))
    state = torch.get_rng_state()
    for network in (G, other):
        refresh_batch_norm(network)
    assert torch.equal(torch.get_rng_state(), state)
    assert (draw(G, 0, 0, 16) == draw(other, 0, 0, 16)).all()


def test_a_copy_has_the_statistics_too() -> None:
    G, target = generator(0), generator(1)
    G(torch.randn(64, G.z_dim))
    copy_network(G, target)
    theirs = target.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in G.state_dict().items())
