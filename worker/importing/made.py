"""The images as they will be trained on, in a temporary file, with what tells them apart."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from core.image_shape import ImageShape
from worker.importing.fingerprints import Fingerprints
from worker.importing.pixels import is_blank, on_background, with_channels
from worker.importing.temporary import temporary_file

Colour = tuple[int, int, int]


class Made:
    """Finished images, uint8 [N, H, W, C], in the order in which they came."""

    def __init__(self, folder: Path, shape: ImageShape) -> None:
        self.shape = shape
        self._file = temporary_file(folder)
        self._image_bytes = int(np.prod(shape.array))
        self.prints = Fingerprints(shape)
        self._blank: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self.prints)

    @property
    def blank(self) -> np.ndarray:
        """Which images are one colour all over: bool [N]."""
        return np.concatenate([np.zeros(0, bool), *self._blank])

    def add(self, images: np.ndarray) -> None:
        """Keep finished images, [n, H, W, C]."""
        self._file.write(np.ascontiguousarray(images).data)
        self.prints.add(images)
        self._blank.append(is_blank(images))

    def take(self, places: np.ndarray) -> np.ndarray:
        """The images at these places, [n, H, W, C]."""
        self._file.flush()
        descriptor, size = self._file.fileno(), self._image_bytes
        pixels = b"".join(os.pread(descriptor, size, place * size) for place in places.tolist())
        return np.frombuffer(pixels, np.uint8).reshape(-1, *self.shape.array)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def finish(
    chunks: Iterable[tuple[slice, np.ndarray]],
    made: Made,
    background: Colour | None,
    invert: bool,
    transpose: bool,
    tell: Callable[[int], object],
) -> None:
    """Make the images of fitted ones: on their background, with the channels of the data set, turned as asked."""
    for places, pixels in chunks:
        images = pixels
        if pixels.shape[-1] in (2, 4):
            assert background is not None or (pixels[..., -1] == 255).all()
            images = on_background(pixels, background or (0, 0, 0))
        images = with_channels(images, made.shape.channels)
        if invert:
            images = 255 - images
        if transpose:
            images = images.swapaxes(1, 2)
        made.add(images)
        tell(places.stop)
