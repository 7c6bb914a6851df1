"""The three forms of `models/image_layers.py` as matrix products over the 5x5 windows of an image.

A GPU's convolution kernels pad a single channel to eight or sixteen, and convert layouts around it; a product of
[B * H * W, 25] by [25, C] does neither. `docs/performance.md` has the figures. Shapes are those of
`models/image_layers.py`, in any layout and floating-point type.
"""

from torch import Tensor
from torch.nn import functional as F

TAPS, STRIDE, PADDING = 5, 2, 2  # in both directions


def down(image: Tensor, kernel: Tensor) -> Tensor:
    """Image [B, 1, 2H, 2W] and kernel [C, 1, 5, 5] -> features [B, C, H, W] with channels last in memory."""
    b, _, height, width = image.shape
    rows = _windows(image) @ kernel.flatten(1).t()  # [B * H * W, C]
    return rows.view(b, height // STRIDE, width // STRIDE, -1).permute(0, 3, 1, 2)


def up(features: Tensor, kernel: Tensor) -> Tensor:
    """Features [B, C, H, W] and kernel [C, 1, 5, 5] -> image [B, 1, 2H, 2W]."""
    b, _, height, width = features.shape
    windows = (_rows(features) @ kernel.flatten(1)).view(b, height * width, -1)  # [B, H * W, 25]
    return F.fold(windows.transpose(1, 2), (STRIDE * height, STRIDE * width), TAPS, padding=PADDING, stride=STRIDE)


def correlation(image: Tensor, features: Tensor) -> Tensor:
    """Image [B, 1, 2H, 2W] and features [B, C, H, W] -> kernel [C, 1, 5, 5]."""
    return (_rows(features).t() @ _windows(image)).view(-1, 1, TAPS, TAPS)


def windows_by_pool(image: Tensor) -> Tensor:
    """Upright image [B, 1, 4H, 4W] -> [4 * B * H * W, 25]: what an upright kernel sees, with Keras' "same" padding.

    The four windows of a 2x2 pool lie a quarter of the rows apart. Differentiable, any number of times.
    """
    padded = F.pad(image[:, 0], (PADDING - 1, PADDING) * 2)  # [B, 4H + 3, 4W + 3]
    windows = padded.unfold(1, TAPS, STRIDE).unfold(2, TAPS, STRIDE)  # [B, 2H, 2W, 5, 5]
    b, _, height, width = image.shape
    pools = windows.view(b, height // 4, 2, width // 4, 2, TAPS, TAPS)
    return pools.permute(2, 4, 0, 1, 3, 5, 6).reshape(-1, TAPS * TAPS)


def _windows(image: Tensor) -> Tensor:
    """[B, 1, 2H, 2W] -> [B * H * W, 25]: what the kernel sees at each place."""
    padded = F.pad(image[:, 0], (PADDING,) * 4)  # [B, 2H + 4, 2W + 4]
    return padded.unfold(1, TAPS, STRIDE).unfold(2, TAPS, STRIDE).reshape(-1, TAPS * TAPS)


def _rows(features: Tensor) -> Tensor:
    """[B, C, H, W] -> [B * H * W, C], without a copy where the channels lie last in memory."""
    return features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
