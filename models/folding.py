"""G prepared for drawing: the values of the modules of `models/dcgan.py`, in fewer steps.

In evaluation mode BatchNorm is a scale and a shift that are known beforehand, so they are folded into the layer before.
Kernels are turned once.
"""

from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.dcgan import Generator, half_turn
from models.one_channel import block_kernel, up_by_blocks

BATCH = 16  # the dense layers' only size
SIZES = (1, 2, 4, 8, BATCH)
SIDE = 7  # of the images that the dense layer makes


class FoldedGenerator(nn.Module):
    """What draws: latents [B, z_dim + classes] -> images [B, 28, 28] in [-1, 1]. Its values are a copy of G's."""

    dense: tuple[Tensor, Tensor]  # [width, 7 * 7 * 2f], [7 * 7 * 2f]
    up14: tuple[Tensor, Tensor]  # [2f, f, 5, 5], [f]
    up28: Tensor  # [16, f, 4, 4]

    def __init__(self, G: Generator) -> None:
        """ValueError for a G in training mode, because a batch of it would mix its images."""
        if G.training:
            raise ValueError("G is in training mode; call G.eval() before drawing")
        super().__init__()
        self.z_dim, self.classes = G.z_dim, G.classes
        self.slope = float(G.up14_act.negative_slope)
        self.hidden: list[tuple[Tensor, Tensor]] = []  # [width, units], [units]
        layers = dict(G.named_children())
        while f"hidden{len(self.hidden)}" in layers:
            name = f"hidden{len(self.hidden)}"
            self.hidden.append(_dense(layers[name], layers[f"{name}_norm"]))
        weight, shift = _dense(G.get_submodule("dense"), G.get_submodule("dense_norm"))
        weight = weight.view(len(weight), SIDE * SIDE, -1).flip(1).flatten(1)
        self.dense = weight, shift.view(SIDE * SIDE, -1).flip(0).flatten()
        scale, shift = _affine(G.up14_norm)
        kernel = half_turn(G.up14.weight.detach() * scale.view(-1, 1, 1))
        self.up14 = kernel.contiguous(memory_format=torch.channels_last), shift
        self.up28 = block_kernel(half_turn(G.up28.weight.detach()), side=4)

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return self.up28.device

    @cached_property
    def exact_sizes(self) -> list[int]:
        """The sizes, in ascending order, in which `convolve` gives images the bits that they have in a whole batch.

        Convolutions usually do, because they treat one image after the other; nobody promises it, so it is tried out.
        Products do not: with few rows they sum in another order. A GPU promises nothing, not even for a whole batch.
        """
        width = len(self.hidden[0][0] if self.hidden else self.dense[0])
        z = torch.randn(BATCH, width, generator=torch.Generator().manual_seed(0)).to(self.device)
        values = self.lay_out(z)
        whole = self.convolve(values)
        smaller = [
            n
            for n in SIZES
            if n < BATCH and torch.equal(torch.cat([self.convolve(some) for some in torch.split(values, n)]), whole)
        ]
        return [*smaller, BATCH]

    @property
    def size(self) -> int:
        """Bytes of weights."""
        layers = (*self.hidden, self.dense, self.up14, (self.up28,))
        return sum(tensor.nbytes for layer in layers for tensor in layer)

    def forward(self, z: Tensor) -> Tensor:
        """Latents [B, z_dim + classes] -> images [B, 28, 28]."""
        return self.convolve(self.lay_out(z))

    def lay_out(self, z: Tensor) -> Tensor:
        """The dense layers: [B, z_dim + classes] -> [B, 7 * 7 * 2f]."""
        for weight, shift in (*self.hidden, self.dense):
            z = F.leaky_relu_(torch.addmm(shift, z, weight), self.slope)
        return z

    def convolve(self, values: Tensor) -> Tensor:
        """What follows: [B, 7 * 7 * 2f] -> [B, 28, 28]."""
        small = values.view(len(values), SIDE, SIDE, -1).permute(0, 3, 1, 2)  # channels last in memory
        kernel, shift = self.up14
        middle = F.conv_transpose2d(small, kernel, shift, stride=2, padding=2, output_padding=1)  # [B, f, 14, 14]
        image = up_by_blocks(F.leaky_relu_(middle, self.slope), self.up28)
        return torch.tanh(half_turn(image[:, 0]))


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
