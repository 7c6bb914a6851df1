"""The moving average of G that is sampled and served (Karras et al., 2018, arXiv:1710.10196)."""

import torch
from torch import nn

from models.dcgan import Generator
from models.sampling import latents

REFRESH_BATCHES = 8
REFRESH_BATCH_SIZE = 512
REFRESH_SEED = 0


def decay_per_step(half_life_kimg: float, images_per_step: int) -> float:
    """The weight that the average keeps in one step; 0 for a half-life of 0, which means no averaging."""
    return 0.5 ** (images_per_step / (half_life_kimg * 1000)) if half_life_kimg > 0 else 0.0


@torch.no_grad()
def update_average(G_ema: Generator, G: Generator, decay: float) -> None:
    """Move G_ema's parameters towards G's: ema = decay * ema + (1 - decay) * G, in place."""
    torch._foreach_lerp_(list(G_ema.parameters()), list(G.parameters()), 1.0 - decay)


@torch.no_grad()
def refresh_batch_norm(G_ema: Generator, batches: int = REFRESH_BATCHES) -> None:
    """Measure G_ema's BatchNorm statistics anew, over fixed latents, and leave it in evaluation mode.

    Averaged weights have statistics of their own: neither G's nor an average of G's fit them.
    """
    norms = [m for m in G_ema.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    G_ema.train()
    device = next(G_ema.parameters()).device
    for i in range(batches):
        first = i * REFRESH_BATCH_SIZE
        z = latents(REFRESH_SEED, first, REFRESH_BATCH_SIZE, G_ema.z_dim, G_ema.classes, shares=G_ema.class_shares)
        G_ema(z.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    G_ema.eval()


@torch.no_grad()
def copy_network(source: Generator, target: Generator) -> None:
    """Copy parameters and buffers."""
    target.load_state_dict(source.state_dict())
