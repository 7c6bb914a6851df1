"""From an image of any size to a square one.

The filter: an image that has the size already stays as it is; where its longer side is a whole multiple of the
new one, each pixel is the mean of those that it stands for; otherwise it is Lanczos' filter, widened where images
shrink so that nothing aliases (Parmar et al., 2022, "On Aliased Resizing"), and bicubic where they grow, which rings
less. Pillow lets colours count by their alpha, so that the colour of what cannot be seen does not bleed in.
"""

import numpy as np
from PIL import Image

from core.import_options import Fit

REDUCE_FIRST = 3.0  # shrink by whole factors first while three times the new size is left: much faster, hardly visible
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def fitted(pixels: np.ndarray, side: int, fit: Fit) -> np.ndarray:
    """uint8 [H, W, C] -> uint8 [side, side, C]; C is 1, or 3, or one more for alpha, which is not premultiplied.

    `pad` adds the median colour of the outline, which is transparent where most of it is; `crop` keeps the middle.
    """
    if fit == "crop":
        pixels = _middle(pixels)
    height, width, _ = pixels.shape
    longer = max(height, width)
    size = (side, side) if fit == "stretch" else tuple(max(1, round(n * side / longer)) for n in (width, height))
    resized = _resized(pixels, *size)
    return resized if resized.shape[:2] == (side, side) else _padded(resized, side, _outline(pixels))


def _middle(pixels: np.ndarray) -> np.ndarray:
    height, width, _ = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    had_height, had_width, channels = pixels.shape
    if (had_width, had_height) == (width, height):
        return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if channels == 1 else pixels), _MODES[channels])
    if had_width % width == 0 and had_height % height == 0:
        resized = image.reduce((had_width // width, had_height // height))
    else:
        grows = width > had_width or height > had_height
        method = Image.Resampling.BICUBIC if grows else Image.Resampling.LANCZOS
        resized = image.resize((width, height), method, reducing_gap=REDUCE_FIRST)
    made: np.ndarray = np.asarray(resized).reshape(height, width, channels)
    return made


def _outline(pixels: np.ndarray) -> np.ndarray:
    """The median of the outermost pixels: uint8 [C]."""
    edges = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    median: np.ndarray = np.median(edges, axis=0).astype(np.uint8)
    return median


def _padded(pixels: np.ndarray, side: int, colour: np.ndarray) -> np.ndarray:
    height, width, channels = pixels.shape
    padded = np.empty((side, side, channels), np.uint8)
    padded[:] = colour
    top, left = (side - height) // 2, (side - width) // 2
    padded[top : top + height, left : left + width] = pixels
    return padded
