"""The 5x5 convolution at stride 2 from images to many channels, with which D begins, and its transpose, which ends G.

With T(image, features, kernel) = <down(image, kernel), features>, a form that is linear in each of the three, these are
its derivatives by one of them:

    down_from_image(image, kernel) -> features
    up_to_image(features, kernel) -> image
    correlation(image, features) -> kernel

So each is the other two's derivative, up to any order. Features are [B, C, H, W] with channels last in memory, the
kernel is [C, c, 5, 5], and the image [B, c, 2H, 2W], where c is 1 or 3.

Convolution kernels work on blocks of channels. With few channels the first and the third are fast where they lie last
in the image's memory, which for one channel is the same bytes. The second gets its channels from the image: it is a
convolution to blocks of 4x4 pixels. Three fifths of its multiply-adds are by zero, and it is the fastest of what was
tried, with three channels too. All this is for a CPU. A GPU computes the three of one channel as products
(`models/one_channel_products.py`), and has kernels for three.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from models import one_channel_products as products
from models.one_channel_products import PADDING, STRIDE, TAPS

IMAGE_CHANNELS = (1, 3)


def down_from_image(image: Tensor, kernel: Tensor) -> Tensor:
    """What `conv2d` gives at stride 2 and padding 2."""
    return _Down.apply(image, kernel)  # type: ignore[no-any-return, no-untyped-call]


def up_to_image(features: Tensor, kernel: Tensor) -> Tensor:
    """What `conv_transpose2d` gives at stride 2, padding 2 and output padding 1."""
    return _Up.apply(features, kernel)  # type: ignore[no-any-return, no-untyped-call]


def correlation(image: Tensor, features: Tensor) -> Tensor:
    """The gradient by the kernel of the other two."""
    return _Correlation.apply(image, features)  # type: ignore[no-any-return, no-untyped-call]


def up_by_blocks(features: Tensor, blocks: Tensor) -> Tensor:
    """`up_to_image` with its kernel as `block_kernel` gives it, where that can be made beforehand."""
    side = STRIDE * (blocks.shape[-1] - 2)
    return F.pixel_shuffle(F.conv2d(features, blocks, None, side // STRIDE, padding=1), side)


def block_kernel(kernel: Tensor, side: int) -> Tensor:
    """[C, c, 5, 5] -> [c * side * side, C, T, T]: what each of TxT places around a block adds to each of its pixels.

    Blocks are of 2x2 pixels, with 3x3 places, or for features with even sides of 4x4, with 4x4 places. From one place
    to the next the kernel moves on by the stride; where it does not reach, there are zeros.
    """
    before, after = side - 2, side - 1
    around = F.pad(kernel, (before, after, before, after))
    moved = around.unfold(2, side, STRIDE).unfold(3, side, STRIDE)  # [C, c, T, T, side, side]
    return moved.flip(2, 3).permute(1, 4, 5, 0, 2, 3).flatten(0, 2).contiguous(memory_format=torch.channels_last)


class _Down(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(image, kernel)
        if image.is_cuda and image.shape[1] == 1:
            return products.down(image, kernel)
        return F.conv2d(_channels_last(image), kernel, None, STRIDE, PADDING)

    @staticmethod
    def backward(ctx: Any, features: Tensor) -> tuple[Tensor | None, Tensor | None]:
        image, kernel = ctx.saved_tensors
        by_image, by_kernel = ctx.needs_input_grad
        return (
            up_to_image(features, kernel) if by_image else None,
            correlation(image, features) if by_kernel else None,
        )


class _Up(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(features, kernel)
        if features.is_cuda:
            if kernel.shape[1] == 1:
                return products.up(features, kernel)
            return F.conv_transpose2d(features, kernel, None, STRIDE, PADDING, output_padding=1)
        height, width = features.shape[2:]
        return up_by_blocks(features, block_kernel(kernel, side=2 if height % 2 or width % 2 else 4))

    @staticmethod
    def backward(ctx: Any, image: Tensor) -> tuple[Tensor | None, Tensor | None]:
        features, kernel = ctx.saved_tensors
        by_features, by_kernel = ctx.needs_input_grad
        return (
            down_from_image(image, kernel) if by_features else None,
            correlation(image, features) if by_kernel else None,
        )


class _Correlation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, features: Tensor) -> Tensor:
        ctx.save_for_backward(image, features)
        if image.is_cuda and image.shape[1] == 1:
            return products.correlation(image, features)
        shape = (features.shape[1], image.shape[1], TAPS, TAPS)
        return conv2d_weight(_channels_last(image), shape, features, STRIDE, PADDING)  # type: ignore[no-any-return, no-untyped-call]

    @staticmethod
    def backward(ctx: Any, kernel: Tensor) -> tuple[Tensor | None, Tensor | None]:
        image, features = ctx.saved_tensors
        by_image, by_features = ctx.needs_input_grad
        return (
            up_to_image(features, kernel) if by_image else None,
            down_from_image(image, kernel) if by_features else None,
        )


def _channels_last(image: Tensor) -> Tensor:
    """[B, c, H, W] with strides that say so: with one channel both layouts are the same, and torch asks the strides."""
    if image.shape[1] > 1:
        return image.contiguous(memory_format=torch.channels_last)
    return image.contiguous().as_strided(image.shape, (image[0].numel(), 1, image.shape[-1], 1))
