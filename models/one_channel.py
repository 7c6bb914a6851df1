"""A transposed convolution from many channels to one, such as the one that ends G.

Convolution kernels work on blocks of channels, so with one they take several times as long as a product does that
gives, for each place, what it adds to the 25 pixels around it, and the sum of these. Backwards the many channels are on
the other side, and convolutions are faster.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight


def up_to_one_channel(x: Tensor, kernel: Tensor) -> Tensor:
    """What `conv_transpose2d` gives at stride 2, padding 2 and output padding 1; differentiable once.

    x is [B, C, H, W], channels last in memory, the kernel [C, 1, 5, 5]; the result is [B, 1, 2H, 2W].
    """
    return _UpToOneChannel.apply(x, kernel)  # type: ignore[no-any-return, no-untyped-call]


class _UpToOneChannel(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(x, kernel)
        height, width = x.shape[2:]
        places = x.permute(0, 2, 3, 1).flatten(1, 2)  # [B, H * W, C]
        added = torch.matmul(kernel.flatten(1).t(), places.transpose(1, 2))  # [B, 25, H * W]
        full = F.fold(added, (2 * height + 3, 2 * width + 3), kernel.shape[2:], stride=2)  # without the padding
        return full[..., 2:-1, 2:-1].contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, kernel = ctx.saved_tensors
        by_x = F.conv2d(gradient, kernel, stride=2, padding=2) if ctx.needs_input_grad[0] else None
        by_kernel = None
        if ctx.needs_input_grad[1]:
            by_kernel = conv2d_weight(gradient, kernel.shape, x, stride=2, padding=2)  # type: ignore[no-untyped-call]
        return by_x, by_kernel
