"""G prepared for drawing: the values of the modules of `models/dcgan.py`, in fewer steps.

In evaluation mode BatchNorm is a scale and a shift that are known beforehand, so they are folded into the layer before.
Kernels are turned once. Shapes in comments are those of 28x28 grey images.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.image_shape import ImageShape
from models.dcgan import Generator, half_turn
from models.directions import Directions
from models.image_layers import block_kernel, up_by_blocks
from models.one_channel_products import PADDING, STRIDE

BATCH = 16  # images that are drawn at once
SIZES = (1, 2, 4, 8, BATCH)
TURN = 400_000_000  # multiply-adds: tens of milliseconds of a core. A batch of MNIST's size has half as many
BLOCK = 4  # pixels a side, see `block_kernel`


@dataclass(frozen=True, eq=False)
class FoldedGenerator:
    """What draws: latents [B, z_dim + classes] -> images [B, C, H, W] in [-1, 1]. Its tensors are copies of G's."""

    z_dim: int
    classes: int
    class_shares: Sequence[float] | None
    shape: ImageShape
    slope: float
    dense: tuple[tuple[Tensor, Tensor], ...]  # weights [in, out] and shifts [out], the hidden ones first
    ups: tuple[tuple[Tensor, Tensor], ...]  # kernels [2f, f, 5, 5] and shifts [f]
    last_up: Tensor  # [16 * C, f, 4, 4]

    @classmethod
    def of(cls, G: Generator) -> Self:
        """G as it is now. ValueError for a G in training mode, because a batch of it would mix its images."""
        if G.training:
            raise ValueError("G is in training mode; call G.eval() before drawing")
        layers, shape = dict(G.named_children()), G.shape
        names = [name for name, layer in layers.items() if isinstance(layer, nn.Linear)]
        *hidden, (weight, shift) = [_dense(layers[name], layers[f"{name}_norm"]) for name in names]
        pixels = shape.base * shape.base
        turned = weight.view(len(weight), pixels, -1).flip(1).flatten(1), shift.view(pixels, -1).flip(0).flatten()
        ups = [_up(layers[f"up{stage}"], layers[f"up{stage}_norm"]) for stage in range(1, shape.stages)]
        *_, last = (layer for layer in G if isinstance(layer, nn.ConvTranspose2d))
        return cls(
            z_dim=G.z_dim,
            classes=G.classes,
            class_shares=G.class_shares,
            shape=shape,
            slope=G.slope,
            dense=(*hidden, turned),
            ups=tuple(ups),
            last_up=block_kernel(half_turn(last.weight.detach()), BLOCK),
        )

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return self.last_up.device

    @cached_property
    def exact_sizes(self) -> list[int]:
        """The sizes, in ascending order, in which `convolve` gives images the bits that they have in a whole batch.

        Convolutions usually do, because they treat one image after the other; nobody promises it, so it is tried out.
        A GPU promises nothing, not even for a whole batch.
        """
        return _exact_sizes(self.convolve, self.dense_stage(self._tried))

    @cached_property
    def exact_rows(self) -> list[int]:
        """The same of the dense stage. Its products sum in another order for one row, and on some machines for few."""
        return _exact_sizes(self.dense_stage, self._tried)

    @cached_property
    def turn(self) -> int:
        """Images to draw before somebody else gets a turn: a batch, or as few as have the bits that they have there."""
        fitting = [size for size in self.exact_sizes if size * self.multiply_adds <= TURN]
        return max(fitting, default=self.exact_sizes[0])

    @cached_property
    def directions(self) -> Directions:
        """The directions of z that change its first layer most. Takes up to a second, for 1,024 dimensions of z."""
        return Directions.of(self.dense[0][0][: self.z_dim])

    @property
    def multiply_adds(self) -> int:
        """Those of one image."""
        sides = [self.shape.base << stage for stage in range(self.shape.stages)]
        ups = sum(kernel.numel() * side * side for (kernel, _), side in zip(self.ups, sides[:-1], strict=True))
        last = sides[-1] // 2 if self.shape.channels == 1 else sides[-1]
        return sum(weight.numel() for weight, _ in self.dense) + ups + self.last_up.numel() * last * last

    @property
    def _tried(self) -> Tensor:
        """Rows like latents, [BATCH, z_dim + classes]. In which order a product sums depends on no value in them."""
        width = len(self.dense[0][0])
        return torch.randn(BATCH, width, generator=torch.Generator().manual_seed(0)).to(self.device)

    @property
    def size(self) -> int:
        """Bytes of weights."""
        return sum(tensor.nbytes for tensor in (*chain(*self.dense, *self.ups), self.last_up))

    def __call__(self, z: Tensor) -> Tensor:
        """Latents [B, z_dim + classes] -> images [B, C, H, W]."""
        return self.convolve(self.dense_stage(z))

    def dense_stage(self, z: Tensor) -> Tensor:
        """The dense layers: [B, z_dim + classes] -> [B, 7 * 7 * 2f]."""
        for weight, shift in self.dense:
            z = F.leaky_relu_(torch.addmm(shift, z, weight), self.slope)
        return z

    def convolve(self, values: Tensor) -> Tensor:
        """What follows: [B, 7 * 7 * 2f] -> [B, 1, 28, 28]."""
        base = self.shape.base
        x = values.view(len(values), base, base, -1).permute(0, 3, 1, 2)  # channels last in memory
        for kernel, shift in self.ups:
            x = F.conv_transpose2d(x, kernel, shift, STRIDE, PADDING, output_padding=1)  # [B, f, 14, 14]
            x = F.leaky_relu_(x, self.slope)
        return torch.tanh(half_turn(up_by_blocks(x, self.last_up)))


def _exact_sizes(stage: Callable[[Tensor], Tensor], batch: Tensor) -> list[int]:
    """The sizes in which a stage gives each row of a whole batch the bits that it has there."""
    whole = stage(batch)
    return [n for n in SIZES if n == BATCH or torch.equal(torch.cat([*map(stage, torch.split(batch, n))]), whole)]


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


def _up(layer: nn.Module, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """A transposed convolution and its BatchNorm as a turned kernel [in, out, 5, 5] and shift [out]."""
    assert isinstance(layer, nn.ConvTranspose2d)
    scale, shift = _affine(norm)
    kernel = half_turn(layer.weight.detach() * scale.view(-1, 1, 1))
    return kernel.contiguous(memory_format=torch.channels_last), shift
