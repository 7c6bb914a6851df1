"""D in training: that of `models/dcgan.py` with the same parameters, where its modules take longer than they need.

On every device that is what stands before the max-pool of a D with one layer, and on a CPU dropout's random numbers.
All else is the modules' own. `docs/performance.md` has the figures.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from models.dcgan import Discriminator, half_turn
from models.one_channel import down_from_one_channel

Layer = Callable[[Tensor], Tensor]


class FastDiscriminator:
    """D(images) in training mode, on the device where D is."""

    def __init__(self, D: Discriminator) -> None:
        self._D = D
        on_cpu = D.down1.weight.device.type == "cpu"
        layers: list[Layer] = [_with_fast_dropout(layer) if on_cpu else layer for layer in D if layer is not D.logit]
        if hasattr(D, "pool") and D.down1.in_channels == 1:
            layers[: list(D).index(D.pool) + 1] = [self._pooled]
        self._layers = layers

    def __call__(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Images [B, 1, 28, 28] and one-hot classes [B, classes] -> logits [B, 1]."""
        x = images
        for layer in self._layers:
            x = layer(x)
        return self._D.logit(x, classes)  # type: ignore[no-any-return]

    def _pooled(self, images: Tensor) -> Tensor:
        """The layers up to the max-pool: [B, 1, 28, 28] -> [B, f, 7, 7].

        Bias and activation come after the pool, on a quarter of the values. They are monotone, so it is the same.
        """
        D = self._D
        assert D.down1.bias is not None
        h = D.pool(down_from_one_channel(half_turn(images), half_turn(D.down1.weight)))
        return D.down1_act(h + D.down1.bias.view(-1, 1, 1))  # type: ignore[no-any-return]


def _with_fast_dropout(layer: nn.Module) -> Layer:
    if isinstance(layer, nn.Dropout):
        p = layer.p
        return lambda x: dropout(x, p)
    return layer


def dropout(x: Tensor, p: float) -> Tensor:
    """Set a share `p` of the values to zero, rounded to a multiple of 1/65536, and scale the others by 1 / (1 - p).

    One 64-bit random number serves four values, and NumPy draws those fast: torch's `bernoulli_` takes twenty times as
    long. The generator is seeded from torch's.
    """
    if p == 0:
        return x
    dropped = round(p * 2**16)
    generator = np.random.SFC64(int(torch.randint(2**63 - 1, ())))
    words = torch.from_numpy(generator.random_raw(-(-x.numel() // 4)).view(np.int16))
    draws = words[: x.numel()].as_strided(x.shape, x.stride())  # uniform over -2**15 .. 2**15 - 1
    return (x * (draws >= dropped - 2**15)).mul_(2**16 / (2**16 - dropped))
