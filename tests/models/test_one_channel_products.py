"""The forms as products, which a GPU computes, are torch's convolution and its derivatives."""

import pytest
import torch
from torch.nn import functional as F

from models import one_channel_products as products
from tests.models.test_one_channel import LAYOUTS, SIZES, operands_of


@pytest.mark.parametrize("dtype", [torch.double, torch.float])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_they_are_torchs(height: int, width: int, layout: torch.memory_format, dtype: torch.dtype) -> None:
    image, features, kernel = (
        operand.contiguous(memory_format=layout) for operand in operands_of(height, width, dtype)
    )
    expected = F.conv2d(image, kernel, stride=2, padding=2)
    by_image, by_kernel = torch.autograd.grad(expected, [image, kernel], features)
    torch.testing.assert_close(products.down(image, kernel), expected)
    torch.testing.assert_close(products.up(features, kernel), by_image)
    torch.testing.assert_close(products.correlation(image, features), by_kernel)


def test_features_have_their_channels_last_in_memory() -> None:
    image, _, kernel = operands_of(28, 28)
    assert products.down(image, kernel).is_contiguous(memory_format=torch.channels_last)
