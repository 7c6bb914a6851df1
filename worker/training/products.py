"""The networks' 5x5 convolutions at stride 2 as matrix products, with nothing copied to make the matrices.

Take an image of S x S places with c channels, one of twice that size with d channels, and a kernel of 25 taps. What
binds them is one sum,

    T(small, kernel, large) = sum over rows s, columns t and taps (i, j) of
                              small[s, t] @ kernel[i, :, j, :] @ large[2s + i - 1, 2t + j - 1]

linear in each of the three. Its derivative by `large` is the transposed convolution, by `small` the convolution, and
by `kernel` the kernel's gradient: `up`, `down` and `kernel_gradient`. Each is differentiated by the other two, as often
as one likes.

The layout makes the sum a few products of large matrices. Images lie in memory as [row, image, column, channel], so
that a row tap is a shift by whole rows, all images take part in one product, and a column's channels and its
neighbours' are one line of a matrix. Of the larger image the even rows come before the odd ones:

    small   [S, B, S, c]        kernel   [5, c, 5, d]        large   [2, S, B, 2S, d]

Taps that would fall outside the image are left out, which saves a sixth of the work at S = 7.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

TAPS = 5  # of a kernel, in both directions


def up(small: Tensor, kernel: Tensor) -> Tensor:
    """The transposed convolution: [S, B, S, c], [5, c, 5, d] -> [2, S, B, 2S, d]."""
    return _Up.apply(small, kernel)  # type: ignore[no-any-return, no-untyped-call]


def down(large: Tensor, kernel: Tensor) -> Tensor:
    """The convolution: [2, S, B, 2S, d], [5, c, 5, d] -> [S, B, S, c]."""
    return _Down.apply(large, kernel)  # type: ignore[no-any-return, no-untyped-call]


def kernel_gradient(small: Tensor, large: Tensor) -> Tensor:
    """The gradient of either by its kernel: [S, B, S, c], [2, S, B, 2S, d] -> [5, c, 5, d]."""
    return _KernelGradient.apply(small, large)  # type: ignore[no-any-return, no-untyped-call]


class _Up(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, small: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(small, kernel)
        s, b, _, c = small.shape
        d = kernel.shape[-1]
        large = small.new_zeros(2, s, b, 2 * s, d)
        for rows in _row_taps(s):
            left, right, out = _matrices(rows, small, kernel, large)
            for column in _columns(s):
                target = out[:, column.large(d)]
                torch.addmm(target, left[:, column.small(c)], right[:, column.taps(d)], out=target)
        return large

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        small, kernel = ctx.saved_tensors
        (gradient,) = gradients
        by_small = down(gradient, kernel) if ctx.needs_input_grad[0] else None
        by_kernel = kernel_gradient(small, gradient) if ctx.needs_input_grad[1] else None
        return by_small, by_kernel


class _Down(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, large: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(large, kernel)
        _, s, b, _, d = large.shape
        c = kernel.shape[1]
        small = large.new_zeros(s, b, s, c)
        for rows in _row_taps(s):
            out, right, left = _matrices(rows, small, kernel, large)
            for column in _columns(s):
                target = out[:, column.small(c)]
                torch.addmm(target, left[:, column.large(d)], right[:, column.taps(d)].t(), out=target)
        return small

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        large, kernel = ctx.saved_tensors
        (gradient,) = gradients
        by_large = up(gradient, kernel) if ctx.needs_input_grad[0] else None
        by_kernel = kernel_gradient(gradient, large) if ctx.needs_input_grad[1] else None
        return by_large, by_kernel


class _KernelGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, small: Tensor, large: Tensor) -> Tensor:
        ctx.save_for_backward(small, large)
        s, _, _, c = small.shape
        d = large.shape[-1]
        kernel = small.new_zeros(TAPS, c, TAPS, d)
        for rows in _row_taps(s):
            left, out, right = _matrices(rows, small, kernel, large)
            for column in _columns(s):
                target = out[:, column.taps(d)]
                torch.addmm(target, left[:, column.small(c)].t(), right[:, column.large(d)], out=target)
        return kernel

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        small, large = ctx.saved_tensors
        (gradient,) = gradients
        by_small = down(large, gradient) if ctx.needs_input_grad[0] else None
        by_large = up(small, gradient) if ctx.needs_input_grad[1] else None
        return by_small, by_large


class _RowTap(NamedTuple):
    """One row tap i: the rows of the small image, and those of one parity of the large one, that it binds."""

    tap: int
    small: slice
    parity: int
    large: slice


def _row_taps(s: int) -> Iterator[_RowTap]:
    for i in range(TAPS):
        shift, parity = divmod(i - 1, 2)  # row r of the small image meets row 2 (r + shift) + parity of the large one
        first, end = max(0, -shift), min(s, s - shift)
        yield _RowTap(i, slice(first, end), parity, slice(first + shift, end + shift))


class _Column(NamedTuple):
    """Column t of the small image: the column taps that stay inside the large one."""

    t: int
    first_tap: int
    end_tap: int

    def small(self, c: int) -> slice:
        return slice(self.t * c, (self.t + 1) * c)

    def taps(self, d: int) -> slice:
        return slice(self.first_tap * d, self.end_tap * d)

    def large(self, d: int) -> slice:
        first = 2 * self.t - 1
        return slice((first + self.first_tap) * d, (first + self.end_tap) * d)


def _columns(s: int) -> Iterator[_Column]:
    for t in range(s):
        yield _Column(t, max(0, 1 - 2 * t), min(TAPS, 2 * s - 2 * t + 1))


def _matrices(rows: _RowTap, small: Tensor, kernel: Tensor, large: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a row tap binds, as matrices [rows * B, S * c], [c, 5 * d] and [rows * B, 2S * d]."""
    return (
        small[rows.small].flatten(2).flatten(0, 1),
        kernel[rows.tap].flatten(1),
        large[rows.parity, rows.large].flatten(2).flatten(0, 1),
    )
