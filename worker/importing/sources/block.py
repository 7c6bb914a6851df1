"""Images of one shape, one behind the other in a file, whatever their type and the order of their axes."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt, prod

import numpy as np

from core.import_limits import MOST_PIXELS
from worker.importing.sources.unpacked import Unpacked
from worker.importing.sources.values import Scale

LEAST_SIDE = 5  # pixels; rows of fewer values are no images
CHUNK_BYTES = 2**22
COLOURS = (1, 3, 4)


@dataclass(frozen=True)
class Layout:
    """Where the pixels of an image are among its values."""

    height: int
    width: int
    channels: int
    planes: bool  # whether each channel stands by itself, in front of the next
    note: str | None = None

    def images(self, values: np.ndarray) -> np.ndarray:
        """[n, values] -> [n, H, W, C]."""
        if self.planes:
            return values.reshape(-1, self.channels, self.height, self.width).transpose(0, 2, 3, 1)
        return values.reshape(-1, self.height, self.width, self.channels)


def layout_of(shape: tuple[int, ...]) -> Layout | None:
    """The layout of images whose values have this shape: [H, W], [H, W, C], [C, H, W] or flat. None for no images."""
    match shape:
        case (values,) if (side := isqrt(values)) ** 2 == values and side >= LEAST_SIDE:
            return Layout(side, side, 1, False, f"Rows of {values} values were taken for images of {side}x{side}.")
        case (values,) if values % 3 == 0 and (side := isqrt(values // 3)) ** 2 * 3 == values and side >= LEAST_SIDE:
            note = f"Rows of {values} values were taken for images of {side}x{side}: all of red, then green, then blue."
            return Layout(side, side, 3, True, note)
        case (height, width):
            layout = Layout(height, width, 1, False)
        case (height, width, channels) if channels in COLOURS:
            layout = Layout(height, width, channels, False)
        case (channels, height, width) if channels in COLOURS:
            layout = Layout(height, width, channels, True, f"The {channels} channels came first.")
        case _:
            return None
    fits = min(layout.height, layout.width) >= LEAST_SIDE and layout.height * layout.width <= MOST_PIXELS
    return layout if fits else None


@dataclass(frozen=True)
class Block:
    """An array of images in an unpacked file."""

    file: Unpacked
    offset: int  # bytes
    kind: np.dtype
    count: int  # images that are there
    layout: Layout
    gap: int = 0  # bytes in front of each image that are none of its values

    @property
    def values(self) -> int:
        """How many numbers an image has."""
        return self.layout.height * self.layout.width * self.layout.channels

    def parts(self) -> Iterator[np.ndarray]:
        """The images in parts, [n, values], of the type that they came in."""
        size = self.gap + self.values * self.kind.itemsize
        each = max(1, CHUNK_BYTES // size)
        for start in range(0, self.count, each):
            some = min(each, self.count - start)
            data = self.file.read(self.offset + start * size, some * size)
            records = np.frombuffer(data, np.uint8).reshape(some, size)[:, self.gap :]
            yield np.ascontiguousarray(records).view(self.kind)

    def images(self, scale: Scale) -> Iterator[np.ndarray | None]:
        """Each image, uint8 [H, W, C]; None for one with values that are no numbers."""
        for part in self.parts():
            good = np.isfinite(part).all(axis=1) if self.kind.kind == "f" else np.ones(len(part), bool)
            with np.errstate(invalid="ignore", over="ignore"):
                pixels = self.layout.images(scale.in_8_bits(part))
            for image, is_good in zip(pixels, good.tolist(), strict=True):
                yield image if is_good else None


def bounds(blocks: list[Block]) -> tuple[float, float]:
    """The least and the largest value of all images, of those that are numbers."""
    low, high = np.inf, -np.inf
    for block in blocks:
        for part in block.parts():
            values = part[np.isfinite(part)] if block.kind.kind == "f" else part
            if values.size:
                low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def whole_images(count: int, shape: tuple[int, ...], kind: np.dtype, there: int) -> int:
    """How many of `count` images are whole in `there` bytes."""
    return min(count, there // max(1, prod(shape) * kind.itemsize))
