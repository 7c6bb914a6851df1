"""The convolutions from and to images are torch's own, as a CPU and as a GPU computes them; so their derivatives."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models import one_channel_products as products
from models.image_layers import correlation, down_from_image, up_to_image

SIZES = [(28, 28), (14, 14), (2, 2), (8, 12), (6, 8), (8, 6)]
Form = Callable[[Tensor, Tensor], Tensor]
ON_THIS_DEVICE = down_from_image, up_to_image, correlation
FORMS: dict[str, tuple[int, tuple[Form, Form, Form]]] = {
    "grey": (1, ON_THIS_DEVICE),
    "colour": (3, ON_THIS_DEVICE),
    "grey, as products": (1, (products.down, products.up, products.correlation)),
}
LAYOUTS = [torch.contiguous_format, torch.channels_last]
CASES = [
    (function, operands, size, wanted)
    for function, operands in ((down_from_image, (0, 2)), (up_to_image, (1, 2)), (correlation, (0, 1)))
    for size in [(4, 8), (6, 4)]
    for wanted in (operands, operands[:1], operands[1:])
]


def operands_of(
    height: int, width: int, channels: int, dtype: torch.dtype = torch.double
) -> tuple[Tensor, Tensor, Tensor]:
    """Image, features and kernel."""
    torch.manual_seed(height)
    shapes = (2, channels, height, width), (2, 4, height // 2, width // 2), (4, channels, 5, 5)
    image, features, kernel = (torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes)
    return image, features, kernel


@pytest.mark.parametrize(("channels", "forms"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("dtype", [torch.double, torch.float])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_they_are_torchs(
    height: int,
    width: int,
    layout: torch.memory_format,
    dtype: torch.dtype,
    channels: int,
    forms: tuple[Form, Form, Form],
) -> None:
    down, up, correlate = forms
    image, features, kernel = (
        operand.contiguous(memory_format=layout) for operand in operands_of(height, width, channels, dtype)
    )
    expected = F.conv2d(image, kernel, stride=2, padding=2)
    by_image, by_kernel = torch.autograd.grad(expected, [image, kernel], features)
    torch.testing.assert_close(down(image, kernel), expected)
    torch.testing.assert_close(up(features, kernel), by_image)
    torch.testing.assert_close(correlate(image, features), by_kernel)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("function", "operands", "size", "wanted"), CASES)
def test_their_derivatives_are_right(
    function: Callable[[Tensor, Tensor], Tensor],
    operands: tuple[int, int],
    size: tuple[int, int],
    wanted: tuple[int, ...],
    channels: int,
) -> None:
    every = operands_of(*size, channels)
    inputs = tuple(every[i].detach().requires_grad_(i in wanted) for i in operands)
    assert function(*inputs).requires_grad
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs, fast_mode=True)  # along one direction, not along each


@pytest.mark.parametrize(("channels", "forms"), FORMS.values(), ids=FORMS)
def test_features_have_their_channels_last_in_memory(channels: int, forms: tuple[Form, Form, Form]) -> None:
    image, _, kernel = operands_of(28, 28, channels)
    assert forms[0](image, kernel).is_contiguous(memory_format=torch.channels_last)
