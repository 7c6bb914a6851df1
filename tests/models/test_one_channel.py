"""The convolutions of one channel are torch's own, and so are their derivatives of first and second order."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.one_channel import correlation, down_from_one_channel, up_to_one_channel

SIZES = [(14, 14), (1, 1), (3, 5)]
LAYOUTS = [torch.contiguous_format, torch.channels_last]
FUNCTIONS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "down": lambda image, features, kernel: down_from_one_channel(image, kernel),
    "up": lambda image, features, kernel: up_to_one_channel(features, kernel),
    "correlation": lambda image, features, kernel: correlation(image, features),
}


def operands(height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Image, features and kernel."""
    torch.manual_seed(height)
    shapes = (2, 1, 2 * height, 2 * width), (2, 3, height, width), (3, 1, 5, 5)
    image, features, kernel = (torch.randn(shape, dtype=torch.double, requires_grad=True) for shape in shapes)
    return image, features, kernel


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_they_are_torchs(height: int, width: int, layout: torch.memory_format) -> None:
    image, features, kernel = (operand.contiguous(memory_format=layout) for operand in operands(height, width))
    expected = F.conv2d(image, kernel, stride=2, padding=2)
    by_image, by_kernel = torch.autograd.grad(expected, [image, kernel], features)
    torch.testing.assert_close(down_from_one_channel(image, kernel), expected)
    torch.testing.assert_close(up_to_one_channel(features, kernel), by_image)
    torch.testing.assert_close(correlation(image, features), by_kernel)


@pytest.mark.parametrize("wanted", [{0, 1, 2}, {0}, {1}, {2}])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_their_derivatives_are_right(name: str, wanted: set[int]) -> None:
    inputs = tuple(operand.detach().requires_grad_(i in wanted) for i, operand in enumerate(operands(3, 2)))
    if FUNCTIONS[name](*inputs).requires_grad:
        assert torch.autograd.gradcheck(FUNCTIONS[name], inputs)
        assert torch.autograd.gradgradcheck(FUNCTIONS[name], inputs)


def test_features_have_their_channels_last_in_memory() -> None:
    image, _, kernel = operands(14, 14)
    assert down_from_one_channel(image, kernel).is_contiguous(memory_format=torch.channels_last)
