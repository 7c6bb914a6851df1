"""bfloat16 rounds the wide layers' products, and nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.recipe import PRESETS, Recipe
from models.dcgan import Discriminator, Generator
from tests.tiny import networks, tiny_recipe
from tests.worker.training.running import run
from worker.training.data import load_dataset
from worker.training.events import Started, Warned
from worker.training.fast_discriminator import FastDiscriminator
from worker.training.gan import Gan, seed_all
from worker.training.losses import generator_loss, gradient_penalty
from worker.training.precision import Layer, in_precision, in_turn

CPU = torch.device("cpu")
WIDE = {"hidden0", "dense", "up1", "down2", "down3"}
NARROW: dict[str, dict[str, Any]] = {
    "one channel in D": {"d_filters": 1, "d_layers": 3},
    "one channel in G": {"g_filters": 1},
    "one layer": {"d_layers": 1},
    "penalised": {"r1_gamma": 0.5, "d_layers": 3, "classes": 4},
    "normalised": {"d_norm": "batch", "g_hidden_layers": 1},
}


def rounded(x: Tensor) -> bool:
    return torch.equal(x, x.bfloat16().float())


def in_bfloat16(layer: nn.Module) -> Layer:
    return in_precision(layer, "bfloat16", CPU)


def values_by_layer(network: nn.Module, x: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, layer in network.named_children():
        x = in_bfloat16(layer)(x)
        found[name] = x.clone()  # the next layer may work in place
    return found


def test_wide_layers_give_rounded_values_and_all_else_is_float32() -> None:
    G, D = networks(tiny_recipe(d_layers=3, g_hidden_layers=1))
    values = values_by_layer(G, torch.randn(8, 8))
    values |= values_by_layer(D, values["upright"])
    assert all(value.dtype == torch.float32 for value in values.values())
    with_weights = {name for network in (G, D) for name, layer in network.named_children() if list(layer.parameters())}
    assert {name for name in with_weights if rounded(values[name])} == WIDE
    assert all(p.dtype == torch.float32 for p in (*G.parameters(), *D.parameters()))


def test_g_and_d_train_in_it_and_the_average_does_not(datasets: Path) -> None:
    gan = Gan(tiny_recipe(precision="bfloat16", ema_half_life_kimg=1.0), load_dataset(datasets / "tiny", 8), CPU)
    z, images = torch.randn(8, 8), torch.rand(8, 1, 28, 28)
    assert not torch.equal(gan._run_G(z), gan.G(z))
    assert not torch.equal(gan._run_D(images), FastDiscriminator(gan.D, on_cpu=True)(images))
    values: list[Tensor] = []
    gan.G_ema.up1.register_forward_hook(lambda *called: values.append(called[-1]))
    gan.finish_average()
    assert values
    assert not any(rounded(value) for value in values)


@pytest.mark.parametrize("name", sorted(WIDE))
def test_a_wide_layer_is_that_of_float32_but_for_the_rounding(name: str) -> None:
    results = []
    for rounding in (False, True):
        G, D = networks(tiny_recipe(d_layers=3, d_filters=16, g_filters=16, g_hidden_layers=1))
        network = G if hasattr(G, name) else D
        layer = network.get_submodule(name)
        torch.manual_seed(0)
        shape = (layer.in_features,) if isinstance(layer, nn.Linear) else (layer.in_channels, 7, 7)
        x = torch.randn(8, *shape, requires_grad=True)
        y = in_bfloat16(layer)(x) if rounding else layer(x)
        results.append([y, *torch.autograd.grad(y, [x, *layer.parameters()], torch.randn_like(y))])
    for exact, found in zip(*results, strict=True):
        assert 0 < torch.dist(found, exact) <= 0.01 * exact.norm()


def gradients(G: Generator, D: Discriminator, prepare: Callable[[nn.Module], Layer]) -> list[Tensor]:
    """Of D by R1 and a loss, and of G by a loss through D."""
    torch.manual_seed(1)
    run_D = FastDiscriminator(D, on_cpu=True, prepare=prepare)
    images = in_turn([prepare(layer) for layer in G])(torch.randn(32, G.z_dim))
    seen = images.detach().requires_grad_()
    logits = run_D(seen)
    penalty = gradient_penalty(logits, seen)
    by_D = torch.autograd.grad(penalty + generator_loss(logits), list(D.parameters()))
    by_G = torch.autograd.grad(generator_loss(run_D(images)), list(G.parameters()))
    return [*by_D, *by_G]


def test_gradients_are_those_of_float32_but_for_the_rounding() -> None:
    recipe = PRESETS["quality"].model_copy(update={"classes": 0})
    expected = gradients(*networks(recipe), lambda layer: layer)
    for found, exact in zip(gradients(*networks(recipe), in_bfloat16), expected, strict=True):
        # Where rounding moves a value across zero, LeakyReLU's slope is another.
        assert torch.dist(found, exact) <= 0.2 * exact.norm()


def test_losses_of_a_run_are_those_of_float32_but_for_the_rounding(datasets: Path) -> None:
    means = {}
    for precision in ("float32", "bfloat16"):
        recipe = Recipe(dataset="tiny", classes=0, batch_size=8, precision=precision)
        gan = Gan(recipe, load_dataset(datasets / "tiny", 8), CPU)
        for step in range(20):
            gan.chosen.copy_(torch.arange(8))
            gan.set_rates(0.1)
            seed_all(0, "step", step)
            gan.step()
        means[precision] = gan.epoch_means.take()
    assert means["bfloat16"] == pytest.approx(means["float32"], rel=0.02)
    assert means["bfloat16"] != means["float32"]


@pytest.mark.parametrize("name", NARROW)
def test_networks_of_every_width_train_in_it(datasets: Path, tmp_path: Path, name: str) -> None:
    run(tiny_recipe(**NARROW[name], precision="bfloat16", epochs=1, num_images=16), datasets, tmp_path)


@pytest.mark.parametrize(
    ("precision", "capabilities", "warnings"),
    [
        ("bfloat16", {"avx512_bf16": False, "avx2": True}, ["slow-precision"]),
        ("bfloat16", {"avx512_bf16": True}, []),
        ("bfloat16", {"amx_bf16": True, "avx512_bf16": False}, []),
        ("float32", {"avx2": True}, []),
    ],
)
def test_a_processor_without_it_is_warned_of(
    datasets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    capabilities: dict[str, bool],
    warnings: list[str],
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    events = run(tiny_recipe(precision=precision, epochs=1, num_images=16), datasets, tmp_path)
    assert [event.kind for event in events if isinstance(event, Warned)] == warnings


def test_a_run_that_goes_on_without_it_is_not_bit_exact(
    datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    run(tiny_recipe(precision="bfloat16"), datasets, tmp_path, stop_after=1)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False})
    (started,) = (
        event for event in run(tiny_recipe(precision="bfloat16"), datasets, tmp_path) if isinstance(event, Started)
    )
    assert started.step == 1
    assert not started.bit_exact
