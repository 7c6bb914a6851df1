from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from models.checkpoint import load_generator
from models.grid import square_columns, tile, to_png
from models.sampling import draw
from models.shelf import PRETRAINED


def random_images(n: int, h: int = 28, w: int = 28, c: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, size=(n, h, w, c), dtype=np.uint8)


def tile_slowly(images: np.ndarray, columns: int, pad: int, scale: int) -> np.ndarray:
    """Put one pixel after the other where it belongs."""
    n, h, w, c = images.shape
    rows = -(-n // columns)
    canvas = np.zeros((rows * (h * scale + pad) - pad, columns * (w * scale + pad) - pad, c), dtype=np.uint8)
    for k in range(n):
        top, left = (k // columns) * (h * scale + pad), (k % columns) * (w * scale + pad)
        for y in range(h * scale):
            for x in range(w * scale):
                canvas[top + y, left + x] = images[k, y // scale, x // scale]
    return canvas


@pytest.mark.parametrize(
    ("n", "columns", "pad", "scale"),
    [(1, 1, 0, 1), (16, 4, 2, 1), (7, 3, 1, 2), (5, 5, 0, 3), (4, 1, 3, 1), (2, 6, 2, 1), (9, 2, 0, 1)],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_lie_where_a_slow_loop_puts_them(n: int, columns: int, pad: int, scale: int, channels: int) -> None:
    images = random_images(n, 5, 4, channels)
    tiled = tile(images, columns, pad, scale)
    assert tiled.dtype == np.uint8
    assert np.array_equal(tiled, tile_slowly(images, columns, pad, scale))
    assert np.array_equal(255 - tile(255 - images, columns, pad, scale, background=255), tiled)


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (7, 3), (9, 3), (10, 4), (16, 4), (64, 8)])
def test_the_square_is_the_smallest_that_holds_all(n: int, columns: int) -> None:
    assert square_columns(n) == columns


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (118, 58)])
@pytest.mark.parametrize(("channels", "kind"), [(1, 0), (3, 2)], ids=["grey", "RGB"])
def test_a_png_has_8_bits_a_channel_and_holds_the_same_pixels(shape: tuple[int, int], channels: int, kind: int) -> None:
    pixels = random_images(1, *shape, channels)[0]
    data = to_png(pixels)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, colour = (data[16:20], data[20:24], data[24], data[25])
    assert (int.from_bytes(height), int.from_bytes(width)) == shape
    assert (depth, colour) == (8, kind)
    assert np.array_equal(np.asarray(Image.open(BytesIO(data))).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_a_png_of_digits_is_about_as_small_as_pillows_at_any_scale(scale: int) -> None:
    pixels = tile(draw(load_generator(PRETRAINED), 1, 0, 64), 8, 2, scale)
    pillows = BytesIO()
    Image.fromarray(pixels[..., 0]).save(pillows, format="PNG")
    data = to_png(pixels)
    assert len(data) < 1.25 * len(pillows.getvalue())
    assert np.array_equal(np.asarray(Image.open(BytesIO(data))), pixels[..., 0])
