"""The images of a source in a temporary file, so that their size is chosen by all of them and memory holds a few.

They are kept as they came until the last one is there, or until they fill `RAW_BYTES`. Then the side is chosen, all
are fitted to it, and those that follow at once. A source of photographs needs no more disk than one of icons.
"""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from core.import_limits import MOST_CANONICAL_BYTES
from core.import_options import Fit
from worker.importing.fit import fitted
from worker.importing.raw import RawImage, SourceRejected
from worker.importing.temporary import temporary_file

RAW_BYTES = 2**29
CHUNK_BYTES = 2**23
ChooseSide = Callable[["Spool"], int]


class Spool:
    """Pixels of images of different sizes and channels, in the order in which they came."""

    def __init__(self, folder: Path, fit: Fit, choose_side: ChooseSide) -> None:
        self._folder, self._fit, self._choose_side = folder, fit, choose_side
        self._file = temporary_file(self._folder)
        self._bytes = 0
        self.side: int | None = None  # once it is chosen
        self.widths, self.heights, self.channels = array("I"), array("I"), array("B")  # as they came

    def __len__(self) -> int:
        return len(self.widths)

    def add(self, image: RawImage) -> None:
        """Keep the pixels of an image. Raises SourceRejected when there are too many for a data set."""
        height, width, channels = image.pixels.shape
        self.widths.append(width)
        self.heights.append(height)
        self.channels.append(channels)
        self._write(image.pixels)
        if self.side is None and self._bytes > RAW_BYTES:
            self.settle()
        if self.side is not None and max(len(self) * self.side**2, self._bytes / 3) > MOST_CANONICAL_BYTES:
            raise SourceRejected(
                f"more than {MOST_CANONICAL_BYTES >> 20} MiB of images of {self.side}x{self.side}; "
                "allowed: fewer images, or a smaller `size`"
            )

    def settle(self) -> int:
        """Choose the side of the images, and fit all that are there to it."""
        if self.side is None:
            self.side = self._choose_side(self)
            if (np.array(self.widths) != self.side).any() or (np.array(self.heights) != self.side).any():
                self._refill()
        return self.side

    def chunks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """The fitted images, uint8 [n, side, side, C], in runs of equal channels, with the places where they stand."""
        side, start, position = self.settle(), 0, 0
        self._file.seek(0)
        while start < len(self):
            channels = self.channels[start]
            stop, most = start, max(1, CHUNK_BYTES // (side * side * channels))
            while stop < min(len(self), start + most) and self.channels[stop] == channels:
                stop += 1
            shape = (stop - start, side, side, channels)
            pixels = np.frombuffer(self._read(position, int(np.prod(shape))), np.uint8).reshape(shape)
            yield slice(start, stop), pixels
            start, position = stop, position + pixels.nbytes

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _write(self, pixels: np.ndarray) -> None:
        if self.side is not None and pixels.shape[:2] != (self.side, self.side):
            pixels = fitted(pixels, self.side, self._fit)
        self._file.write(np.ascontiguousarray(pixels).data)
        self._bytes += pixels.nbytes

    def _refill(self) -> None:
        """Replace the images as they came by fitted ones."""
        with self._file as came:
            came.seek(0)
            self._file, self._bytes = temporary_file(self._folder), 0
            for shape in zip(self.heights, self.widths, self.channels, strict=True):
                pixels = np.frombuffer(came.read(int(np.prod(shape))), np.uint8)
                self._write(pixels.reshape(shape))

    def _read(self, position: int, count: int) -> bytes:
        self._file.seek(position)
        return self._file.read(count)
