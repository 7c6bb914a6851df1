"""Images to a picture: tiles side by side."""

from math import ceil, isqrt

import numpy as np


def square_columns(n: int) -> int:
    """Columns of the smallest square that holds n tiles: 4 for 16, 8 for 64, 3 for 7."""
    return isqrt(n - 1) + 1


def tile(images: np.ndarray, columns: int, pad: int, scale: int) -> np.ndarray:
    """Lay uint8 [n, h, w] out row by row: uint8 [rows * (h*scale + pad) - pad, columns * (w*scale + pad) - pad].

    `pad` is the black pixels between tiles, `scale` repeats each pixel so many times in both directions.
    """
    n, h, w = images.shape
    rows = ceil(n / columns)
    cells = np.zeros((rows * columns, h * scale + pad, w * scale + pad), dtype=np.uint8)
    cells[:n, : h * scale, : w * scale] = images.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = cells.shape[1:]
    canvas = cells.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    return canvas[: rows * height - pad, : columns * width - pad]
