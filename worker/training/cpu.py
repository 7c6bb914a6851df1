"""G and D on a CPU: the networks of `models/dcgan.py` with the same parameters, in another order of work.

Called as they stand, the modules spend more than half of a training step on what is no matrix product: copies between
layouts, one-channel convolutions, random numbers for dropout. Here every convolution is matrix products, and
activations stay in the layout that the next product reads. `docs/performance.md` has the figures.
"""

import numpy as np
import torch
from torch import Tensor, nn

from models.dcgan import Discriminator, Generator
from worker.training.patches import fold, patches
from worker.training.pooling import pooled_convolution
from worker.training.products import down, up


def store_for_products(network: nn.Module) -> None:
    """Lay kernels [c, d, 5, 5] out in memory as [5, c, 5, d], which is how the products read them; values stay."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.shape[1] > 1:
            module.weight.data = _kernel(module.weight.data).contiguous().permute(1, 3, 0, 2)


class GeneratorOnCPU:
    """G(z) in training mode."""

    def __init__(self, G: Generator) -> None:
        self._G = G
        self._dense = _between(G, None, G.to_images)

    def __call__(self, z: Tensor) -> Tensor:
        """[B, z_dim + classes] -> [B, 1, 28, 28]."""
        G, b = self._G, len(z)
        c, d = G.up14.weight.shape[:2]
        h = self._dense(z)  # [B, 7 * 7 * c]
        h = h.view(b, 7, 7 * c).transpose(0, 1).contiguous().view(7, b, 7, c)
        h = up(h, _kernel(G.up14.weight))  # [2, 7, B, 14, d]
        h = G.up14_norm(h.view(14, b, 14, d).permute(0, 3, 1, 2))
        h = G.up14_act(h).permute(0, 2, 3, 1).view(-1, d)
        columns = G.up28.weight.view(d, 25).t() @ h.t()  # [25, 14 * B * 14]
        return torch.tanh(fold(columns))


class DiscriminatorOnCPU:
    """D(images) in training mode; with one layer it can be differentiated only once."""

    def __init__(self, D: Discriminator) -> None:
        self._D = D
        pooled = hasattr(D, "pool")
        self._front = self._pooled if pooled else self._convolved
        self._middle = _between(D, D.down14_drop if pooled else D.down7_drop, D.logit)

    def __call__(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Images [B, 1, 28, 28] and one-hot classes [B, classes] -> logits [B, 1]."""
        return self._D.logit(self._middle(self._front(images)), classes)  # type: ignore[no-any-return]

    def _pooled(self, images: Tensor) -> Tensor:
        """The first convolution and the max-pool: [B, f, 7, 7].

        Bias and activation come after the pool, on a quarter of the values. They are monotone, so it is the same.
        """
        D = self._D
        h = pooled_convolution(images, _first_kernel(D))  # [7, 7, B, f]
        h = dropout(D.down14_act(h.add_(_bias(D.down14))), D.down14_drop.p)
        return h.permute(2, 3, 0, 1)

    def _convolved(self, images: Tensor) -> Tensor:
        """The first two convolutions: [B, 2f, 7, 7]."""
        D = self._D
        h = patches(images).t() @ _first_kernel(D)  # [14 * B * 14, f]
        h = dropout(D.down14_act(h.add_(_bias(D.down14))), D.down14_drop.p)
        h = down(h.view(2, 7, len(images), 14, -1), _kernel(D.down7.weight))
        h = h.add_(_bias(D.down7)).permute(0, 3, 1, 2)  # [7, 2f, B, 7]
        if hasattr(D, "down7_norm"):
            h = D.down7_norm(h)
        return dropout(D.down7_act(h), D.down7_drop.p).permute(2, 1, 0, 3)


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
    draws = words[: x.numel()].view(x.shape)  # uniform over -2**15 .. 2**15 - 1
    kept = torch.ge(draws, dropped - 2**15, out=torch.empty_like(x))
    return x * kept.mul_(2**16 / (2**16 - dropped))


def _kernel(weight: Tensor) -> Tensor:
    return weight.permute(2, 0, 3, 1)  # [c, d, 5, 5] -> [5, c, 5, d]


def _first_kernel(D: Discriminator) -> Tensor:
    return D.down14.weight.flatten(1).t().contiguous()  # [25, f]


def _bias(convolution: nn.Conv2d) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias


def _between(network: nn.Sequential, after: nn.Module | None, before: nn.Module | None) -> nn.Sequential:
    """The layers between two, or from the first or to the last one."""
    layers = list(network)
    first = 0 if after is None else layers.index(after) + 1
    return nn.Sequential(*layers[first : None if before is None else layers.index(before)])
