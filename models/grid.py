"""Images to a picture: tiles side by side, as the bytes of an 8-bit grey PNG."""

import zlib
from collections.abc import Mapping
from io import BytesIO
from math import ceil, isqrt

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo


def square_columns(n: int) -> int:
    """Columns of the smallest square that holds n tiles: 4 for 16, 8 for 64, 3 for 7."""
    return isqrt(n - 1) + 1


def tile(images: np.ndarray, columns: int, pad: int, scale: int, background: int = 0) -> np.ndarray:
    """Lay uint8 [n, h, w] out row by row: uint8 [rows * (h*scale + pad) - pad, columns * (w*scale + pad) - pad].

    `pad` is the pixels of `background` between tiles, `scale` repeats each pixel so many times in both directions.
    """
    n, h, w = images.shape
    rows = ceil(n / columns)
    cells = np.full((rows * columns, h * scale + pad, w * scale + pad), background, dtype=np.uint8)
    cells[:n, : h * scale, : w * scale] = images.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = cells.shape[1:]
    canvas = cells.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    return canvas[: rows * height - pad, : columns * width - pad]


def to_png(pixels: np.ndarray, text: Mapping[str, str] | None = None) -> bytes:
    """Encode uint8 [h, w] as an 8-bit grey PNG, with `text` by keyword as iTXt chunks before the pixels.

    By run lengths alone: most pixels are black, so the file is as small as by a search for repeats, in half the time.
    """
    info = PngInfo()
    for keyword, value in (text or {}).items():
        info.add_itxt(keyword, value)
    buffer = BytesIO()
    Image.fromarray(pixels, mode="L").save(buffer, format="PNG", pnginfo=info, compress_type=zlib.Z_RLE)
    return buffer.getvalue()
