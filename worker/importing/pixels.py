"""Arithmetic of pixels, on many images at once. All are uint8 [n, H, W, C]; the last of 2 or 4 channels is alpha."""

import numpy as np

WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
GREY_TOLERANCE = 8  # levels between the channels of a pixel that is still grey, as lossy formats leave them
BLANK_TOLERANCE = 4  # levels between the pixels of an image that is still blank
LUMA = (19595, 38470, 7471)  # of 2**16: ITU-R 601, as Pillow has it


def is_grey(pixels: np.ndarray) -> np.ndarray:
    """Which images have no colour where they can be seen: bool [n]."""
    red, green, blue = (pixels[..., k] for k in range(3))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if pixels.shape[-1] == 4:
        spread *= pixels[..., 3] > 0
    grey: np.ndarray = spread.reshape(len(pixels), -1).max(axis=1, initial=0) <= GREY_TOLERANCE
    return grey


def is_blank(pixels: np.ndarray) -> np.ndarray:
    """Which images are one colour all over: bool [n]."""
    blank = np.ones(len(pixels), bool)
    for channel in planes(pixels):
        blank &= channel.max(axis=1, initial=0) - channel.min(axis=1, initial=255) <= BLANK_TOLERANCE
    return blank


def planes(pixels: np.ndarray) -> list[np.ndarray]:
    """The channels one by one, each [n, H * W]: NumPy is ten times slower along short axes."""
    _, height, width, channels = pixels.shape
    return [np.ascontiguousarray(pixels[..., k]).reshape(-1, height * width) for k in range(channels)]


def on_background(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Lay images with alpha on a colour: [n, H, W, 2 or 4] -> [n, H, W, 3], or 1 channel for grey ones on grey."""
    colours, alpha = pixels[..., :-1], pixels[..., -1:].astype(np.uint16)
    behind = np.array(colour, np.uint16)
    if colours.shape[-1] == 1 and len(set(colour)) == 1:
        behind = behind[:1]
    mixed = colours * alpha + behind * (255 - alpha) + 127  # at most 65,152
    return (mixed // 255).astype(np.uint8)


def with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Grey or RGB images with 1 or 3 channels."""
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=-1)
    return as_grey(pixels)


def as_grey(pixels: np.ndarray) -> np.ndarray:
    """The luma of RGB images; grey ones as they are: [n, H, W, 1]."""
    if pixels.shape[-1] == 1:
        return pixels
    luma = np.full(pixels.shape[:-1], 1 << 15, np.uint32)
    for k, weight in enumerate(LUMA):
        luma += pixels[..., k] * np.uint32(weight)
    return (luma >> 16).astype(np.uint8)[..., np.newaxis]
