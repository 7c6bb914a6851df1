"""D in training: that of `models/dcgan.py` with the same parameters, where its modules take longer than they need.

On every device that is what stands before the max-pool of a D of grey images with one layer, on a CPU dropout's random
numbers, and on a GPU the number of operations. All else is the modules' own. `docs/performance.md` and `docs/gpu.md`
have the figures.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from models import one_channel_products as products
from models.dcgan import Discriminator, half_turn
from models.image_layers import down_from_image
from worker.training.precision import Layer


class FastDiscriminator:
    """D(images) in training mode, on the device where D is."""

    def __init__(
        self, D: Discriminator, *, on_cpu: bool, prepare: Callable[[nn.Module], Layer] = lambda layer: layer
    ) -> None:
        """`prepare` says how the layers are run of which nothing else is said here."""
        self._D = D
        layers = [_with_fast_dropout(layer, prepare) if on_cpu else prepare(layer) for layer in D]
        layers.pop()  # the logit
        if hasattr(D, "pool") and D.down1.in_channels == 1:
            layers = [self._pooled, *layers[list(D).index(D.pool) + 1 :]] if on_cpu else [self._upright]
        self._layers = layers
        self._in_one_pass = not (on_cpu or any(isinstance(layer, nn.BatchNorm2d) for layer in D))

    def __call__(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Images [B, C, H, W] and one-hot classes [B, classes] -> logits [B, 1]."""
        x = images
        for layer in self._layers:
            x = layer(x)
        return self._D.logit(x, classes)  # type: ignore[no-any-return]

    def both(
        self, real: Tensor, fake: Tensor, real_classes: Tensor | None = None, fake_classes: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The logits of real images and of generated ones, as many of each.

        A GPU judges all of them in one pass, where each image is judged by itself and by these alone is differentiated.
        """
        if not self._in_one_pass or real.requires_grad:
            return self(real, real_classes), self(fake, fake_classes)
        classes = None if real_classes is None or fake_classes is None else torch.cat([real_classes, fake_classes])
        real_logits, fake_logits = self(torch.cat([real, fake]), classes).chunk(2)
        return real_logits, fake_logits

    def _pooled(self, images: Tensor) -> Tensor:
        """The layers up to the max-pool, of a D of grey images: [B, 1, 28, 28] -> [B, f, 7, 7].

        Bias and activation come after the pool, on a quarter of the values. They are monotone, so it is the same.
        """
        D = self._D
        assert D.down1.bias is not None
        h = D.pool(down_from_image(half_turn(images), half_turn(D.down1.weight)))
        return D.down1_act(h + D.down1.bias.view(-1, 1, 1))  # type: ignore[no-any-return]

    def _upright(self, images: Tensor) -> Tensor:
        """All layers but the logit, of a D with a max-pool, of grey images: [B, 1, 28, 28] -> [B, 7 * 7 * f].

        A product over windows pads as it likes, so nothing is turned. Of equal values in a pool another one gets the
        gradient than in torch's: where their windows are equal, its kernel's gradient is the same.
        """
        D = self._D
        assert D.down1.bias is not None
        h = torch.addmm(D.down1.bias, products.windows_by_pool(images), D.down1.weight.flatten(1).t())
        pooled = D.down1_act(h.view(4, -1).max(0).values)
        return D.down1_drop(pooled).view(len(images), -1)  # type: ignore[no-any-return]


def _with_fast_dropout(layer: nn.Module, prepare: Callable[[nn.Module], Layer]) -> Layer:
    if isinstance(layer, nn.Dropout):
        p = layer.p
        return lambda x: dropout(x, p)
    return prepare(layer)


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
