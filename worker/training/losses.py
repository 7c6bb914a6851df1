"""The objectives of D and G (Goodfellow et al., 2014, arXiv:1406.2661), on logits."""

import torch
from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """D's loss: -E log D(x) - E log(1 - D(G(z))), a scalar; both inputs [B, 1].

    `label_smoothing` lowers the target of real images alone to 1 minus it (Salimans et al., 2016, arXiv:1606.03498).
    """
    real_target = torch.full_like(real_logits, 1.0 - label_smoothing)
    return F.binary_cross_entropy_with_logits(real_logits, real_target) + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """G's non-saturating loss: -E log D(G(z)), a scalar; the input is [B, 1]."""
    return F.softplus(-fake_logits).mean()


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """R1: E ||grad_x D(x)||^2 / 2 at real images (Mescheder et al., 2018, arXiv:1801.04406), a scalar.

    `logits` [B, 1] are D's for the real `images` [B, C, H, W], which must require gradients. D must treat the rows of
    a batch independently.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum() / len(logits) / 2
