"""What reads images where there is no judge: a network of the same form that was never trained.

Its weights are fixed, so that its features mean the same to all models of a data set. Untrained convolutions tell
sets of images apart: they see shift, blur, holes and collapse as well as a judge does, and noise, blends and a missing
class less clearly (Naeem et al., 2020, arXiv:2002.09797, appendix; docs/training.md has what was measured here).
"""

from hashlib import sha256
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.card import ID_LENGTH
from core.image_shape import ImageShape
from models.judge import channels_first, widths

FEATURES = 128
SEED = 0


class RandomNetwork(nn.Module):
    """The convolutions of a judge for images of this shape, and a projection, with fixed normal weights."""

    def __init__(self, shape: ImageShape) -> None:
        super().__init__()
        channels = [shape.channels, *widths(shape)]
        normal = np.random.Generator(np.random.Philox(key=SEED))
        self._shape = shape
        for stage, (before, after) in enumerate(pairwise(channels)):
            self.register_buffer(f"conv_{stage}", _weights(normal, after, before, 5, 5))
        self.register_buffer("projection", _weights(normal, FEATURES, channels[-1] * shape.base**2))

    @property
    def id(self) -> str:
        """The first 16 hex digits of the weights' SHA-256."""
        digest = sha256()
        for tensor in self.buffers():
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:ID_LENGTH]

    def forward(self, pixels: Tensor) -> tuple[Tensor, None]:
        """Pixels 0..255 [B, H, W, C] -> features [B, 128], and no logits."""
        images = channels_first(pixels, self._shape).float().div(127.5).sub(1.0)
        for stage in range(self._shape.stages):
            images = F.conv2d(images, self.get_buffer(f"conv_{stage}"), stride=2, padding=2).relu_()
        return F.linear(images.flatten(1), self.get_buffer("projection")), None


def _weights(normal: np.random.Generator, outputs: int, *inputs: int) -> Tensor:
    """Normal weights [outputs, *inputs] that keep the scale of what they are applied to (He et al., 2015)."""
    values = normal.standard_normal((outputs, *inputs), dtype=np.float32)
    return torch.from_numpy(values * np.float32((2 / np.prod(inputs)) ** 0.5))
