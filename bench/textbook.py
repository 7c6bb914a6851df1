"""The Keras DCGAN tutorial's networks as one writes them first: torch's own layers, and nothing else."""

import torch
from torch import nn

from models.dcgan import Generator

SIDE, WIDE, NARROW = 7, 128, 64
SLOPE = 0.3


def generator(width: int = 100, slope: float = SLOPE, eps: float = 1e-5) -> nn.Sequential:
    """G: latents [B, width] -> images [B, 1, 28, 28]."""
    return nn.Sequential(
        nn.Linear(width, WIDE * SIDE * SIDE, bias=False),
        nn.BatchNorm1d(WIDE * SIDE * SIDE, eps=eps),
        nn.LeakyReLU(slope),
        nn.Unflatten(1, (WIDE, SIDE, SIDE)),
        nn.ConvTranspose2d(WIDE, NARROW, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.BatchNorm2d(NARROW, eps=eps),
        nn.LeakyReLU(slope),
        nn.ConvTranspose2d(NARROW, 1, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.Tanh(),
    )


def discriminator() -> nn.Sequential:
    """D: images [B, 1, 28, 28] -> logits [B, 1]."""
    return nn.Sequential(
        nn.Conv2d(1, NARROW, 5, stride=2, padding=2),
        nn.LeakyReLU(SLOPE),
        nn.MaxPool2d(2),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(NARROW * SIDE * SIDE, 1),
    )


@torch.no_grad()
def drawing(G: Generator) -> nn.Sequential:
    """The images of a trained G, turned by half a turn: these layers pad on the other side."""
    network = generator(G.z_dim + G.classes, G.slope, G.up1_norm.eps)
    layers = {"dense": 0, "dense_norm": 1, "up1": 4, "up1_norm": 5, "up2": 7}
    for name, index in layers.items():
        values = G.get_submodule(name).state_dict()
        for key, value in values.items():
            if name.startswith("dense") and value.dim():  # by row, column, channel -> by channel, row, column
                value = value.unflatten(0, (SIDE, SIDE, WIDE)).flip(0, 1).movedim(2, 0).flatten(0, 2)
            values[key] = value.flip(2, 3) if value.dim() == 4 else value
        network[index].load_state_dict(values)
    return network.eval()
