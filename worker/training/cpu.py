"""D on a CPU: that of `models/dcgan.py` with the same parameters, where its modules take longer than they need.

These are dropout's random numbers, and the max-pool of a D with one layer. All else is the modules' own, on a CPU too.
`docs/performance.md` has the figures.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from models.dcgan import Discriminator, half_turn
from worker.training.pooling import pooled_convolution

Layer = Callable[[Tensor], Tensor]


class DiscriminatorOnCPU:
    """D(images) in training mode."""

    def __init__(self, D: Discriminator, differentiated_twice: bool) -> None:
        """The gradient of a gradient takes the modules' max-pool; it is slower."""
        self._D = D
        layers: list[Layer] = [_with_fast_dropout(layer) for layer in D if layer is not D.logit]
        if hasattr(D, "pool") and not differentiated_twice:
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
        kernel = half_turn(D.down14.weight).flatten(1).t().contiguous()  # [25, f]
        h = pooled_convolution(half_turn(images), kernel)  # [7, 7, B, f]
        assert D.down14.bias is not None
        return D.down14_act(h.add_(D.down14.bias)).permute(2, 3, 0, 1)  # type: ignore[no-any-return]


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
    kept = torch.empty_like(x)
    draws = words[: x.numel()].as_strided(kept.shape, kept.stride())  # uniform over -2**15 .. 2**15 - 1
    torch.ge(draws, dropped - 2**15, out=kept)
    return x * kept.mul_(2**16 / (2**16 - dropped))
