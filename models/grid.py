"""Images to a picture: tiles side by side, as the bytes of a PNG. Pixels are uint8, with one channel or three."""

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
    """Lay [n, h, w, c] out row by row: [rows * (h*scale + pad) - pad, columns * (w*scale + pad) - pad, c].

    `pad` is the pixels of `background` between tiles, `scale` repeats each pixel so many times in both directions.
    """
    n, h, w, c = images.shape
    rows = ceil(n / columns)
    cells = np.full((rows * columns, h * scale + pad, w * scale + pad, c), background, dtype=np.uint8)
    cells[:n, : h * scale, : w * scale] = images.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = cells.shape[1:3]
    canvas = cells.reshape(rows, columns, height, width, c).swapaxes(1, 2).reshape(rows * height, columns * width, c)
    return canvas[: rows * height - pad, : columns * width - pad]


def to_image(pixels: np.ndarray) -> Image.Image:
    """Pixels [h, w, 1] or [h, w, 3] as an image of Pillow's, grey or RGB."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def to_png(pixels: np.ndarray, text: Mapping[str, str] | None = None) -> bytes:
    """Encode [h, w, c] as a PNG of 8 bits a channel, with `text` by keyword as iTXt chunks before the pixels.

    By run lengths alone: most pixels are black, so the file is as small as by a search for repeats, in half the time.
    """
    info = PngInfo()
    for keyword, value in (text or {}).items():
        info.add_itxt(keyword, value)
    buffer = BytesIO()
    to_image(pixels).save(buffer, format="PNG", pnginfo=info, compress_type=zlib.Z_RLE)
    return buffer.getvalue()
