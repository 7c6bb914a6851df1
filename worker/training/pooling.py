"""A one-channel 5x5 convolution at stride 2 and the 2x2 max-pool behind it, in one pass.

What the convolution makes is four times what the pool keeps, and is never needed whole. So it is made and pooled for
two rows of the images at a time, which stay in the processor's cache; its gradient is spread out from the pool's
indices the same way. Pixels lie in memory as [row, column, image]: a tap sees all images at once, side by side. Images
and kernel are turned ones, as in `models/dcgan.py`.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.dcgan import IMAGE_SIZE, TAPS

BEFORE, AFTER = 2, 1  # pixels of padding
PADDED = BEFORE + IMAGE_SIZE + AFTER
INSIDE = slice(BEFORE, BEFORE + IMAGE_SIZE)
COLUMNS = IMAGE_SIZE // 2
PAIRS = COLUMNS // 2  # of rows, and of columns
WINDOW = ([2, 2], [2, 2], [0, 0], [1, 1], False)  # the pool's kernel, stride, padding, dilation and ceil mode


def pooled_convolution(images: Tensor, kernel: Tensor) -> Tensor:
    """Images [B, 1, 28, 28] and a kernel [25, f] -> [7, 7, B, f]; differentiable once."""
    return _PooledConvolution.apply(images, kernel)  # type: ignore[no-any-return, no-untyped-call]


class _PooledConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, kernel: Tensor) -> Tensor:
        b, f = len(images), kernel.shape[1]
        padded = images.new_zeros(PADDED, PADDED, b)
        padded[INSIDE, INSIDE] = images[:, 0].permute(1, 2, 0)
        seen = _seen(padded).reshape(TAPS * TAPS, PAIRS, -1)  # by pair of rows: [25, 7, 2 * 14 * B]
        products = images.new_empty(2, COLUMNS, b, f)
        pooled = images.new_empty(PAIRS, PAIRS, b, f)
        winners = torch.empty(PAIRS, PAIRS, b, f, dtype=torch.int64)
        for r in range(PAIRS):
            torch.mm(seen[:, r].t(), kernel, out=products.view(-1, f))
            torch.ops.aten.max_pool2d_with_indices.out(
                _image(products), *WINDOW, out=_image(pooled[r : r + 1]), indices=_image(winners[r : r + 1])
            )
        ctx.save_for_backward(seen, kernel, winners)
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        seen, kernel, winners = ctx.saved_tensors
        _, _, b, f = winners.shape
        gradient = gradient.contiguous()
        products = seen.new_empty(2, COLUMNS, b, f)
        image, by_products = _image(products), products.view(-1, f)
        by_seen = torch.empty_like(seen) if ctx.needs_input_grad[0] else None
        by_kernel = torch.zeros_like(kernel) if ctx.needs_input_grad[1] else None
        for r in range(PAIRS):
            torch.ops.aten.max_pool2d_with_indices_backward.grad_input(
                _image(gradient[r : r + 1]), image, *WINDOW, _image(winners[r : r + 1]), grad_input=image
            )
            if by_kernel is not None:
                torch.addmm(by_kernel, seen[:, r], by_products, out=by_kernel)
            if by_seen is not None:
                torch.mm(kernel, by_products.t(), out=by_seen[:, r])
        return None if by_seen is None else _add_up(by_seen, b), by_kernel


def _seen(padded: Tensor) -> Tensor:
    """What each tap sees of [31, 31, B], as a view [5, 5, 14, 14, B]."""
    return padded.unfold(0, TAPS, 2).unfold(1, TAPS, 2).permute(3, 4, 0, 1, 2)


def _add_up(by_seen: Tensor, b: int) -> Tensor:
    """Add each tap's gradient [25, 7, 2 * 14 * B] to that of the pixels that it saw, [B, 1, 28, 28]."""
    padded = by_seen.new_zeros(PADDED, PADDED, b)
    view = _seen(padded)
    for tap, gradient in enumerate(by_seen.view(-1, *view.shape[2:])):
        pixels = view[tap // TAPS, tap % TAPS]
        pixels += gradient
    return padded[INSIDE, INSIDE].permute(2, 0, 1).unsqueeze(1).contiguous()


def _image(block: Tensor) -> Tensor:
    """[rows, columns, B, f] as one image with B * f channels, for the pool: [1, B * f, rows, columns]."""
    return block.flatten(2).unsqueeze(0).permute(0, 3, 1, 2)
