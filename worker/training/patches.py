"""The 5x5 patches that a convolution at stride 2 sees of an image with one channel, and their sum back into an image.

With one channel a convolution is one product of patches and kernel. `patches` and `fold` are linear and each other's
transpose, so each is the other's derivative. Patches lie in the order of the larger image in
`worker/training/products.py`, [2, 7, B, 14].
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from models.dcgan import IMAGE_SIZE
from worker.training.products import TAPS

HALF = IMAGE_SIZE // 2
PADDED = IMAGE_SIZE + 4  # one pixel before and two after as in Keras, and one more to make it even


def patches(images: Tensor) -> Tensor:
    """[B, 1, 28, 28] -> [25, B * 196]: what each tap sees, for all places where the kernel comes to lie."""
    return _Patches.apply(images)  # type: ignore[no-any-return, no-untyped-call]


def fold(columns: Tensor) -> Tensor:
    """[25, B * 196] -> [B, 1, 28, 28]: add each tap's values to the pixels that it sees."""
    return _Fold.apply(columns)  # type: ignore[no-any-return, no-untyped-call]


class _Patches(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, images: Tensor) -> Tensor:
        b = len(images)
        padded = images.new_zeros(b, PADDED, PADDED)
        padded[:, 1 : IMAGE_SIZE + 1, 1 : IMAGE_SIZE + 1] = images[:, 0]
        planes = padded.view(b, PADDED // 2, 2, PADDED // 2, 2).permute(2, 4, 1, 0, 3).contiguous()
        seen = images.new_empty(TAPS, TAPS, 2, HALF // 2, b, HALF)
        for taps, view in _views(planes):
            seen[taps] = view
        return seen.view(TAPS * TAPS, -1)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        return fold(gradient)


class _Fold(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, columns: Tensor) -> Tensor:
        b = columns.shape[1] // (HALF * HALF)
        planes = columns.new_zeros(2, 2, PADDED // 2, b, PADDED // 2)
        seen = columns.reshape(TAPS, TAPS, 2, HALF // 2, b, HALF)
        for taps, view in _views(planes):
            for row_view, row_seen in zip(view, seen[taps], strict=True):
                for pixels, values in zip(row_view, row_seen, strict=True):
                    pixels += values
        padded = planes.permute(3, 2, 0, 4, 1).reshape(b, 1, PADDED, PADDED)
        return padded[..., 1 : IMAGE_SIZE + 1, 1 : IMAGE_SIZE + 1].contiguous()

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        return patches(gradient)


def _views(planes: Tensor) -> Iterator[tuple[tuple[slice, slice], Tensor]]:
    """What the taps of one parity see, for the four parities: which taps, and a view [rows, columns, 2, 7, B, 14].

    `planes` [2, 2, 16, B, 16] are the padded image apart by the parity of its rows and columns, so that a tap sees
    pixels that lie side by side. Taps overlap: write into a view only one tap at a time.
    """
    _, _, _, b, _ = planes.shape
    row, image = planes.stride()[2:4]
    for i in (0, 1):
        for j in (0, 1):
            plane = planes[i, j]
            shape = (len(range(i, TAPS, 2)), len(range(j, TAPS, 2)), 2, HALF // 2, b, HALF)
            view = plane.as_strided(shape, (row, 1, row, 2 * row, image, 1), plane.storage_offset())
            yield (slice(i, TAPS, 2), slice(j, TAPS, 2)), view
