"""The transposed convolution to one channel is torch's own, and so are its gradients."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.one_channel import up_to_one_channel


def operands(height: int, width: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(height)
    x = torch.randn(3, 4, height, width, dtype=torch.double, requires_grad=True)
    return x, torch.randn(4, 1, 5, 5, dtype=torch.double, requires_grad=True)


@pytest.mark.parametrize(("height", "width"), [(14, 14), (1, 1), (3, 5)])
def test_it_is_the_transposed_convolution(height: int, width: int) -> None:
    x, kernel = operands(height, width)
    expected = F.conv_transpose2d(x, kernel, stride=2, padding=2, output_padding=1)
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.testing.assert_close(up_to_one_channel(x.contiguous(memory_format=layout), kernel), expected)


def test_its_gradients_are_right() -> None:
    assert torch.autograd.gradcheck(up_to_one_channel, operands(3, 2))


@pytest.mark.parametrize("wanted", [0, 1])
def test_the_gradient_of_one_operand_alone_is_right(wanted: int) -> None:
    inputs = [operand.detach().requires_grad_(index == wanted) for index, operand in enumerate(operands(3, 2))]
    assert torch.autograd.gradcheck(up_to_one_channel, tuple(inputs))
