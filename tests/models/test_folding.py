"""The folded generator gives what the modules give."""

from typing import Any

import pytest
import torch

from core.image_shape import GREY_28, ImageShape
from models.checkpoint import load_generator
from models.dcgan import Generator
from models.folding import BATCH, FoldedGenerator
from models.sampling import draw, latents
from models.shelf import PRETRAINED
from tests.tiny import networks, tiny_recipe


def with_measured_norms(shape: ImageShape = GREY_28, **knobs: Any) -> Generator:
    """A generator whose BatchNorms are far from doing nothing."""
    G, _ = networks(tiny_recipe(**knobs), shape=shape)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        for name, tensor in G.named_buffers():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + (0.5 if "var" in name else -0.5))
        for name, tensor in G.named_parameters():
            if "norm" in name:
                tensor.copy_(torch.randn_like(tensor))
    return G.eval()


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"classes": 10},
        {"g_hidden_layers": 1},
        {"g_hidden_layers": 3, "g_hidden_units": 12, "classes": 4},
        {"g_filters": 7, "z_dim": 5, "leaky_slope": 0.05},
    ],
)
def test_it_gives_the_values_of_the_modules(knobs: dict[str, Any]) -> None:
    G = with_measured_norms(**knobs)
    z = latents(3, 0, BATCH, G.z_dim, G.classes)
    with torch.inference_mode():
        torch.testing.assert_close(FoldedGenerator.of(G)(z), G(z), rtol=0, atol=2e-6)


@pytest.mark.parametrize(("side", "channels"), [(28, 3), (16, 1), (32, 3), (64, 1), (64, 3)])
def test_it_gives_the_values_of_the_modules_for_every_shape(side: int, channels: int) -> None:
    shape = ImageShape.model_validate({"side": side, "channels": channels})
    G = with_measured_norms(shape, classes=2)
    z = latents(3, 0, BATCH, G.z_dim, G.classes)
    with torch.inference_mode():
        torch.testing.assert_close(FoldedGenerator.of(G)(z), G(z), rtol=0, atol=5e-6)
    assert draw(G, 3, 0, 2).shape == (2, side, side, channels)


def test_it_gives_the_images_of_the_shipped_model() -> None:
    G = load_generator(PRETRAINED)
    z = latents(3, 0, BATCH, G.z_dim, G.classes)
    with torch.inference_mode():
        torch.testing.assert_close(FoldedGenerator.of(G)(z), G(z), rtol=0, atol=5e-5)  # a grey value is 8e-3


def test_it_is_a_copy() -> None:
    G = with_measured_norms()
    folded, z = FoldedGenerator.of(G), latents(3, 0, BATCH, G.z_dim)
    with torch.inference_mode():
        before = folded(z)
        for tensor in G.state_dict().values():
            tensor.zero_()
        assert torch.equal(folded(z), before)
