"""G prepared for drawing: the same values as the modules of `models/dcgan.py`, in fewer and larger steps.

In evaluation mode BatchNorm is a scale and a shift that are known beforehand, so they are folded into the layer before.
The transposed convolutions are matrix products. Images lie in memory as [row, image, column, channel]: a row tap of the
kernel is then a shift by whole rows, all images take part in one product, and the taps that fall outside are left out.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.dcgan import Generator

TAPS = 5  # of a kernel, in both directions
SIDE = 7  # of the images that the dense layer makes


class FoldedGenerator(nn.Module):
    """What draws: latents [B, z_dim + classes] -> images [B, 28, 28] in [-1, 1]. Its values are a copy of G's."""

    rows: Tensor  # the dense layer, by row of its images: [7, width, 7 * 2f]
    rows_shift: Tensor  # [7, 1, 7 * 2f]
    up14: Tensor  # [5, 2f, 5 * f], by row tap, channel, column tap
    up14_shift: Tensor  # [14 * f], of a row
    up28: Tensor  # [25, f]

    def __init__(self, G: Generator) -> None:
        """ValueError for a G in training mode, because a batch of it would mix its images."""
        if G.training:
            raise ValueError("G is in training mode; call G.eval() before drawing")
        super().__init__()
        self.z_dim, self.classes = G.z_dim, G.classes
        self.hidden: list[tuple[Tensor, Tensor]] = []  # [width, units], [units]
        layers = dict(G.named_children())
        while f"hidden{len(self.hidden)}" in layers:
            name = f"hidden{len(self.hidden)}"
            self.hidden.append(_dense(layers[name], layers[f"{name}_norm"]))
        self.slope = float(G.up14_act.negative_slope)
        weight, shift = _dense(G.get_submodule("dense"), G.get_submodule("dense_norm"))
        self.rows = weight.view(len(weight), SIDE, -1).permute(1, 0, 2).contiguous()
        self.rows_shift = shift.view(SIDE, 1, -1)
        scale, shift = _affine(G.up14_norm)
        kernel = G.up14.weight.detach() * scale.view(-1, 1, 1)  # [2f, f, 5, 5]
        self.up14 = kernel.permute(2, 0, 3, 1).flatten(2).contiguous()
        self.up14_shift = shift.repeat(2 * SIDE)
        self.up28 = G.up28.weight.detach()[:, 0].flatten(1).t().contiguous()

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return self.rows.device

    @property
    def size(self) -> int:
        """Bytes of weights."""
        layers = (tensor for layer in self.hidden for tensor in layer)
        own = (self.rows, self.rows_shift, self.up14, self.up14_shift, self.up28)
        return sum(tensor.nbytes for tensor in (*layers, *own))

    def forward(self, z: Tensor) -> Tensor:
        """Latents [B, z_dim + classes] -> images [B, 28, 28]."""
        for weight, shift in self.hidden:
            z = F.leaky_relu_(torch.addmm(shift, z, weight), self.slope)
        small = F.leaky_relu_(torch.baddbmm(self.rows_shift, z.expand(SIDE, -1, -1), self.rows), self.slope)
        middle = F.leaky_relu_(_up14(small, self.up14, self.up14_shift), self.slope)
        return _up28(middle, self.up28).tanh_()


def _affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """What a BatchNorm does in evaluation mode, as a scale and a shift [channels]."""
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias.detach() - norm.running_mean * scale


def _dense(layer: nn.Module, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """A dense layer and its BatchNorm as weight [in, out] and shift [out]."""
    assert isinstance(layer, nn.Linear)
    scale, shift = _affine(norm)
    return (layer.weight.detach() * scale.unsqueeze(1)).t().contiguous(), shift


def _up14(small: Tensor, kernel: Tensor, shift: Tensor) -> Tensor:
    """The transposed convolution [7, B, 7 * 2f] -> [2, 7, B, 14 * f]; its even rows come before the odd ones."""
    _, b, line = small.shape
    c, d = line // SIDE, kernel.shape[-1] // TAPS
    large = shift.expand(2, SIDE, b, -1).contiguous()
    for tap in row_taps(SIDE):
        left = small[tap.small].flatten(0, 1)
        out = large[tap.parity, tap.large].flatten(0, 1)
        for t in range(SIDE):
            first, end = max(0, 1 - 2 * t), min(TAPS, 2 * SIDE - 2 * t + 1)  # the column taps that stay inside
            target = out[:, (2 * t - 1 + first) * d : (2 * t - 1 + end) * d]
            product = kernel[tap.tap, :, first * d : end * d]
            torch.addmm(target, left[:, t * c : (t + 1) * c], product, out=target)
    return large


def _up28(images: Tensor, kernel: Tensor) -> Tensor:
    """The transposed convolution to one channel: [2, 7, B, 14 * f], even rows first -> [B, 28, 28].

    One product gives what each place adds to the 25 around it; the sums by row and by column follow.
    """
    side, b = 2 * SIDE, images.shape[2]
    added = torch.mm(kernel, images.view(-1, kernel.shape[1]).t()).view(TAPS, TAPS, 2, SIDE, b, side)
    added = added.transpose(2, 3).reshape(TAPS, TAPS, side, b, side)  # row tap, column tap, row, image, column
    by_row = added.new_zeros(2, TAPS, side, b, side)
    for tap in row_taps(side):
        by_row[tap.parity, :, tap.large] += added[tap.tap, :, tap.small]
    summed = added.new_zeros(2, 2, side, b, side)
    for tap in row_taps(side):  # the columns' taps are the same
        summed[:, tap.parity, ..., tap.large] += by_row[:, tap.tap, ..., tap.small]
    return summed.permute(3, 2, 0, 4, 1).reshape(b, 2 * side, 2 * side)


class RowTap(NamedTuple):
    """One row tap: the rows of the small image, and those of one parity of the large one, that it binds."""

    tap: int
    small: slice
    parity: int
    large: slice


def row_taps(side: int) -> Iterator[RowTap]:
    """The taps of a kernel over an image of `side` rows; columns have the same."""
    for tap in range(TAPS):
        shift, parity = divmod(tap - 1, 2)  # row r of the small image meets row 2 (r + shift) + parity of the large one
        first, end = max(0, -shift), min(side, side - shift)
        yield RowTap(tap, slice(first, end), parity, slice(first + shift, end + shift))
