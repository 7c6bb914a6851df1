import pytest
import torch

from core.image_shape import GREY_28, ImageShape
from worker.training.random_network import FEATURES, RandomNetwork

COLOUR_32, COLOUR_64 = (ImageShape(side=side, channels=3) for side in (32, 64))


@pytest.mark.parametrize(
    ("shape", "id_"),
    [(GREY_28, "5fd96a4cd9bc7f99"), (COLOUR_32, "ffddf3af95fc0569"), (COLOUR_64, "a223e6d05d3c83eb")],
    ids=str,
)
def test_its_weights_are_the_same_everywhere(shape: ImageShape, id_: str) -> None:
    assert RandomNetwork(shape).id == id_


@pytest.mark.parametrize("shape", [GREY_28, COLOUR_32, COLOUR_64], ids=str)
def test_it_reads_each_image_by_itself_and_knows_no_classes(shape: ImageShape) -> None:
    network = RandomNetwork(shape)
    pixels = torch.randint(256, (20, *shape.array), dtype=torch.uint8)
    together, logits = network(pixels)
    assert together.shape == (20, FEATURES)
    assert logits is None
    assert torch.allclose(network(pixels[7:8])[0], together[7:8], atol=1e-3)
    assert not any(tensor.requires_grad for tensor in network.buffers())


def test_it_sees_colour() -> None:
    pixels = torch.randint(256, (8, 32, 32, 3), dtype=torch.uint8)
    network = RandomNetwork(COLOUR_32)
    assert not torch.allclose(network(pixels)[0], network(pixels.flip(3))[0], atol=0.1)
