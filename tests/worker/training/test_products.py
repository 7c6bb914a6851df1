"""The convolutions as matrix products are torch's own, and so are their derivatives of first and second order."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.dcgan import SameConv2d, SameConvTranspose2d
from worker.training.products import down, kernel_gradient, up

B, C, D = 2, 3, 2
SIDES = [1, 2, 3, 7]
FACES = {
    "up": (up, "small", "kernel"),
    "down": (down, "large", "kernel"),
    "gradient": (kernel_gradient, "small", "large"),
}


def operands(s: int) -> dict[str, Tensor]:
    torch.manual_seed(s)
    shapes = {"small": (s, B, s, C), "kernel": (5, C, 5, D), "large": (2, s, B, 2 * s, D)}
    return {name: torch.randn(shape, dtype=torch.double, requires_grad=True) for name, shape in shapes.items()}


def small_image(x: Tensor) -> Tensor:
    return x.permute(1, 3, 0, 2)  # [S, B, S, c] -> [B, c, S, S]


def large_image(x: Tensor) -> Tensor:
    _, s, b, columns, d = x.shape
    return x.transpose(0, 1).reshape(2 * s, b, columns, d).permute(1, 3, 0, 2)  # [2, S, B, 2S, d] -> [B, d, 2S, 2S]


def torch_kernel(x: Tensor) -> Tensor:
    return x.permute(1, 3, 0, 2)  # [5, c, 5, d] -> [c, d, 5, 5]


@pytest.mark.parametrize("s", SIDES)
def test_up_is_the_transposed_convolution_of_the_networks(s: int) -> None:
    x = operands(s)
    layer = SameConvTranspose2d(C, D).double()
    layer.weight.data = torch_kernel(x["kernel"].detach())
    torch.testing.assert_close(large_image(up(x["small"], x["kernel"])), layer(small_image(x["small"])))


@pytest.mark.parametrize("s", SIDES)
def test_down_is_the_convolution_of_the_networks(s: int) -> None:
    x = operands(s)
    layer = SameConv2d(D, C).double()
    layer.weight.data = torch_kernel(x["kernel"].detach())
    torch.nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    torch.testing.assert_close(small_image(down(x["large"], x["kernel"])), layer(large_image(x["large"])))


@pytest.mark.parametrize("s", SIDES)
def test_the_kernel_gradient_is_that_of_torch(s: int) -> None:
    x = operands(s)
    kernel = torch_kernel(x["kernel"])
    padded = F.pad(large_image(x["large"]), (1, 2, 1, 2))
    (expected,) = torch.autograd.grad(F.conv2d(padded, kernel, stride=2), kernel, small_image(x["small"]))
    torch.testing.assert_close(torch_kernel(kernel_gradient(x["small"], x["large"])), expected)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("s", [1, 3])
def test_each_is_differentiated_once_and_twice(face: str, s: int) -> None:
    function, *names = FACES[face]
    inputs = tuple(operands(s)[name] for name in names)
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("face", FACES)
def test_any_layout_in_memory_will_do(face: str) -> None:
    function: Callable[[Tensor, Tensor], Tensor]
    function, *names = FACES[face]
    inputs = [operands(3)[name] for name in names]
    scattered = [x.detach().permute(*reversed(range(x.dim()))).contiguous() for x in inputs]
    scattered = [x.permute(*reversed(range(x.dim()))) for x in scattered]
    assert not any(x.is_contiguous() for x in scattered)
    torch.testing.assert_close(function(*scattered), function(*inputs))
