"""What the peers share: the shipped generator in torch's own layers, and Pillow."""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.textbook import drawing
from models.checkpoint import load_generator

PRETRAINED = Path(__file__).resolve().parents[2] / "models" / "pretrained"


class Digits:
    """Draws grids with random latents."""

    def __init__(self) -> None:
        trained = load_generator(PRETRAINED)
        self._G, self._z_dim, self._classes = drawing(trained), trained.z_dim, trained.classes

    @torch.inference_mode()
    def draw(self, n: int) -> np.ndarray:
        """Images: uint8 [n, 28, 28]."""
        classes = torch.eye(self._classes)[torch.randint(self._classes, (n,))]
        z = torch.cat([torch.randn(n, self._z_dim), classes], dim=1)
        images: np.ndarray = self._G(z).mul(127.5).add(127.5).round().to(torch.uint8)[:, 0].numpy()
        return images[:, ::-1, ::-1]


def png(images: np.ndarray) -> bytes:
    """A grid of a square number of images, as Pillow saves it."""
    side = int(len(images) ** 0.5)
    grid = images.reshape(side, side, 28, 28).swapaxes(1, 2).reshape(28 * side, 28 * side)
    buffer = BytesIO()
    Image.fromarray(grid).save(buffer, format="PNG")
    return buffer.getvalue()
