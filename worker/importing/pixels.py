"""Arithmetic of pixels, on many images at once. All are uint8 [n, H, W, C]; the last of 2 or 4 channels is alpha."""

import numpy as np

WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
GREY_TOLERANCE = 8  # levels between the channels of a pixel that is still grey, as lossy formats leave them
BLANK_TOLERANCE = 4  # levels between the pixels of an image that is still blank
LUMA = (19595, 38470, 7471)  # of 2**16: ITU-R 601, as Pillow has it


def is_grey(pixels: np.ndarray) -> np.ndarray:
    """Which images have no colour where they can be seen: bool [n]."""
    colours = pixels[..., :3]
    spread = colours.max(axis=-1) - colours.min(axis=-1)
    if pixels.shape[-1] == 4:
        spread = spread * (pixels[..., 3] > 0)
    return spread.reshape(len(pixels), -1).max(axis=1) <= GREY_TOLERANCE  # type: ignore[no-any-return]


def is_blank(pixels: np.ndarray) -> np.ndarray:
    """Which images are one colour all over: bool [n]."""
    _, height, width, channels = pixels.shape
    flat = pixels.reshape(-1, height * width, channels)
    return (flat.max(axis=1) - flat.min(axis=1)).max(axis=-1, initial=0) <= BLANK_TOLERANCE  # type: ignore[no-any-return]


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
    luma = pixels.astype(np.uint32) @ np.array(LUMA, np.uint32) + (1 << 15)
    return (luma >> 16).astype(np.uint8)[..., np.newaxis]
