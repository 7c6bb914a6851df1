from itertools import pairwise
from math import ceil, sqrt
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.image_shape import ImageShape
from core.recipe import PRESETS, Recipe
from models.dcgan import (
    Discriminator,
    FromImages,
    Generator,
    HalfTurn,
    SameConv2d,
    SameConvTranspose2d,
    ToImages,
    half_turn,
    trainable_parameters,
)
from tests.tiny import tiny_recipe


def modules(network: nn.Module, *kinds: type[nn.Module]) -> list[Any]:
    found = [m for m in network.modules() if isinstance(m, kinds)]
    assert found
    return found


def generator_parameters(recipe: Recipe) -> int:
    """Dense and BatchNorm pairs, then two 5x5 kernels with one BatchNorm between them; no biases."""
    f, width, total = recipe.g_filters, recipe.z_dim + recipe.classes, 0
    for _ in range(recipe.g_hidden_layers):
        total += (width + 2) * recipe.g_hidden_units
        width = recipe.g_hidden_units
    return total + (width + 2) * 49 * 2 * f + 25 * 2 * f * f + 2 * f + 25 * f


def discriminator_parameters(recipe: Recipe) -> int:
    """5x5 kernels with biases, BatchNorm from the second on, and one logit over what is left, with one more a class."""
    f, pixels = recipe.d_filters, {1: 7 * 7, 2: 7 * 7, 3: 4 * 4}[recipe.d_layers]
    widths = [1, f, 2 * f, 4 * f][: recipe.d_layers + 1]
    kernels = sum((25 * a + 1) * b for a, b in pairwise(widths))
    norms = 2 * sum(widths[2:]) if recipe.d_norm == "batch" else 0
    return kernels + norms + widths[-1] * pixels * (1 + recipe.classes) + 1


def test_the_faithful_networks_have_the_tutorials_sizes() -> None:
    assert trainable_parameters(Generator(PRESETS["faithful"])) == 846_272
    assert trainable_parameters(Discriminator(PRESETS["faithful"])) == 4_801


def test_dense_layers_number_an_image_by_row_column_channel() -> None:
    values = torch.arange(2 * 3 * 3 * 4).view(2, 36)
    images = ToImages(channels=4, size=3)(values)
    assert images.shape == (2, 4, 3, 3)
    for channel, row, column in [(0, 0, 1), (3, 0, 0), (1, 2, 1)]:
        upright = half_turn(images)[:, channel, row, column]
        assert torch.equal(upright, values[:, (row * 3 + column) * 4 + channel])
    assert torch.equal(FromImages()(images), values)


def test_d_judges_an_image_as_one_of_its_class() -> None:
    D = Discriminator(tiny_recipe(classes=3, dropout=0.0))
    nn.init.normal_(D.logit.by_class)
    images, classes = torch.rand(3, 1, 28, 28), torch.eye(3)
    with_class, without = D(images, classes), D(images)
    features = nn.Sequential(*list(D)[:-1])(images)
    torch.testing.assert_close(with_class - without, (features * D.logit.by_class).sum(1, keepdim=True))


@pytest.mark.parametrize(
    "knobs",
    [
        {"z_dim": 5},
        {"g_filters": 3},
        {"g_hidden_layers": 1},
        {"g_hidden_layers": 2, "g_hidden_units": 9},
        {"d_filters": 3},
        {"d_layers": 1},
        {"d_layers": 3},
        {"classes": 3},
        {"d_norm": "batch", "d_layers": 3},
    ],
    ids=str,
)
def test_a_width_knob_changes_the_size_as_computed_by_hand(knobs: dict[str, Any]) -> None:
    recipe = tiny_recipe(**knobs)
    sizes = [trainable_parameters(network) for network in (Generator(recipe), Discriminator(recipe))]
    assert sizes == [generator_parameters(recipe), discriminator_parameters(recipe)]
    assert sizes != [generator_parameters(tiny_recipe()), discriminator_parameters(tiny_recipe())]


def test_frozen_parameters_are_not_counted() -> None:
    assert trainable_parameters(Generator(tiny_recipe()).requires_grad_(False)) == 0


@pytest.mark.parametrize("g_hidden_layers", [0, 1, 2])
def test_images_are_28x28_and_within_the_range_of_tanh(g_hidden_layers: int) -> None:
    recipe = tiny_recipe(g_hidden_layers=g_hidden_layers, g_hidden_units=6)
    images = Generator(recipe)(100 * torch.randn(3, recipe.z_dim))
    assert images.shape == (3, 1, 28, 28)
    assert images.abs().max() <= 1
    assert images.std() > 0


@pytest.mark.parametrize(
    ("side", "channels", "widths"),
    [(28, 1, [8, 4, 1]), (28, 3, [8, 4, 3]), (32, 3, [8, 4, 3]), (64, 1, [16, 8, 4, 1]), (16, 3, [4, 3])],
)
@pytest.mark.parametrize("d_layers", [1, 3])
def test_the_stages_follow_from_the_shape(side: int, channels: int, widths: list[int], d_layers: int) -> None:
    recipe, shape = tiny_recipe(d_layers=d_layers), ImageShape.model_validate({"side": side, "channels": channels})
    G, D = Generator(recipe, shape), Discriminator(recipe, shape)
    ups = [(up.in_channels, up.out_channels) for up in modules(G, SameConvTranspose2d)]
    assert ups == list(pairwise(widths))
    assert {f"up{stage}" for stage in range(1, len(ups) + 1)} == {
        name for name, layer in G.named_children() if isinstance(layer, SameConvTranspose2d)
    }
    images = G(torch.randn(3, recipe.z_dim))
    assert images.shape == (3, channels, side, side)
    assert D(images).shape == (3, 1)


@pytest.mark.parametrize("d_layers", [1, 2, 3])
def test_the_discriminator_gives_one_logit_an_image(d_layers: int) -> None:
    logits = Discriminator(tiny_recipe(d_layers=d_layers))(torch.rand(3, 1, 28, 28))
    assert logits.shape == (3, 1)


def keras_same(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What Keras documents for padding="same": as much zero as ceil(n / stride) outputs need, the odd one after."""
    n, stride, kernel = x.shape[-1], 2, 5
    total = (ceil(n / stride) - 1) * stride + kernel - n
    before = total // 2
    padded = torch.zeros(*x.shape[:2], n + total, n + total, dtype=x.dtype)
    padded[..., before : before + n, before : before + n] = x
    return F.conv2d(padded, weight, bias, stride=stride)


@pytest.mark.parametrize("size", [28, 14, 7])
def test_the_convolution_pads_as_keras_does(size: int) -> None:
    convolution = SameConv2d(2, 3).double()
    x = torch.randn(2, 2, size, size, dtype=torch.float64)
    same = keras_same(x, convolution.weight, convolution.bias)
    torch.testing.assert_close(half_turn(convolution(half_turn(x))), same)


def test_an_even_image_gets_one_pixel_before_and_two_after() -> None:
    convolution = SameConv2d(1, 1)
    with torch.no_grad():
        convolution.weight.zero_()[..., 0, 0] = 1  # picks the pixel one before: the padding at the first output
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    x = torch.arange(1.0, 785.0).view(1, 1, 28, 28)
    expected = torch.zeros(14, 14)
    expected[1:, 1:] = x[0, 0, 1:-1:2, 1:-1:2]
    torch.testing.assert_close(half_turn(convolution(half_turn(x)))[0, 0], expected)


@pytest.mark.parametrize("size", [28, 14])
def test_the_transposed_convolution_is_the_adjoint(size: int) -> None:
    up = SameConvTranspose2d(3, 2).double()
    x = torch.randn(2, 2, size, size, dtype=torch.float64)
    y = torch.randn(2, 3, size // 2, size // 2, dtype=torch.float64)
    torch.testing.assert_close((keras_same(x, up.weight, None) * y).sum(), (x * half_turn(up(half_turn(y)))).sum())


def keras_same_transposed(x: Tensor, weight: Tensor) -> Tensor:
    """The transpose of a linear map is its derivative."""
    b, _, height, width = x.shape
    larger = torch.zeros(b, weight.shape[1], 2 * height, 2 * width, dtype=x.dtype, requires_grad=True)
    (transposed,) = torch.autograd.grad(keras_same(larger, weight, None), larger, x)
    return transposed


def by_keras(network: nn.Sequential, x: Tensor) -> Tensor:
    """The layers of a network one after the other, on upright images, with Keras' convolutions."""
    for layer in network:
        match layer:
            case HalfTurn():
                pass
            case SameConv2d():
                x = keras_same(x, layer.weight, layer.bias)
            case SameConvTranspose2d():
                x = keras_same_transposed(x, layer.weight)
            case ToImages():
                x = x.view(-1, layer.size, layer.size, layer.channels).permute(0, 3, 1, 2)
            case FromImages():
                x = x.permute(0, 2, 3, 1).flatten(1)
            case _:
                x = layer(x)
    return x


@pytest.mark.parametrize("d_layers", [1, 2, 3])
def test_images_are_upright_outside_of_the_networks(d_layers: int) -> None:
    recipe = tiny_recipe(d_layers=d_layers, dropout=0.0)
    G, D = Generator(recipe).double().eval(), Discriminator(recipe).double()
    z, images = torch.randn(3, recipe.z_dim).double(), torch.rand(3, 1, 28, 28).double()
    torch.testing.assert_close(G(z), by_keras(G, z))
    torch.testing.assert_close(D(images), by_keras(D, images))


@pytest.mark.parametrize("g_hidden_layers", [0, 2])
def test_batch_norm_averages_as_keras_does(g_hidden_layers: int) -> None:
    norms = modules(Generator(tiny_recipe(g_hidden_layers=g_hidden_layers)), nn.BatchNorm1d, nn.BatchNorm2d)
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
    assert len(norms) == 2 + g_hidden_layers


@pytest.mark.parametrize("d_layers", [1, 2, 3])
def test_slope_and_dropout_come_from_the_recipe(d_layers: int) -> None:
    recipe = tiny_recipe(d_layers=d_layers, g_hidden_layers=1, leaky_slope=0.17, dropout=0.41)
    G, D = Generator(recipe), Discriminator(recipe)
    for network, activations in ((G, 3), (D, d_layers)):
        slopes = [m.negative_slope for m in modules(network, nn.LeakyReLU)]
        assert slopes == [0.17] * activations
    assert [m.p for m in modules(D, nn.Dropout)] == [0.41] * d_layers


def test_weights_start_glorot_uniform_and_biases_at_zero() -> None:
    faithful = PRESETS["faithful"]
    for network in (Generator(faithful), Discriminator(faithful)):
        for layer in modules(network, nn.Linear, nn.Conv2d, nn.ConvTranspose2d):
            weight = layer.weight.detach()
            kernel = weight[0, 0].numel()
            limit = sqrt(6 / (kernel * (weight.shape[0] + weight.shape[1])))
            assert 0.9 * limit < weight.abs().max() <= limit
            assert weight.std() == pytest.approx(limit / sqrt(3), rel=0.1)
            assert layer.bias is None or not layer.bias.any()
