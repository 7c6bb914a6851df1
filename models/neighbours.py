"""The training images nearest to an image: by squared distance of pixels, exactly.

Sums of products of bytes are whole numbers below 2^53, so float64 holds them whatever the order they are added in: the
same image has the same neighbours on every machine.
"""

from collections.abc import Iterator

import numpy as np

CHUNK_BYTES = 2**22  # of float64 at a time: it stays in a core's cache
SAMPLE = 256  # test images for what is typical
SAMPLE_WORK = 2**34  # multiplications, or a smaller sample
LEAST_SAMPLE = 16


class Neighbourhood:
    """Training images, and how far others are from them."""

    def __init__(self, images: np.ndarray) -> None:
        """`images` are uint8 [N, H, W, C], in memory or mapped; reads all of them once."""
        self.images = images
        self._flat = images.reshape(len(images), -1)
        self._norms = np.concatenate([np.einsum("ij,ij->i", rows, rows) for _, rows in self._chunks()])

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes; images that are mapped take none."""
        mapped = isinstance(self.images, np.memmap)
        return self._norms.nbytes + (0 if mapped else self.images.nbytes)

    def nearest(self, image: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and squared distances of the k images that are nearest to uint8 [H, W, C], the lower number first."""
        squared = np.concatenate([distances[:, 0] for distances in self._squared(image[np.newaxis])])
        order = np.argsort(squared, kind="stable")[:k]
        return order, squared[order].astype(np.int64)

    def typical(self, others: np.ndarray) -> float | None:
        """The median of the distances from other images [M, H, W, C] to the nearest: root mean squares of grey values.

        Of a fixed sample of them, evenly chosen. None where there are no others.
        """
        if not len(others):
            return None
        most = min(SAMPLE, max(LEAST_SAMPLE, SAMPLE_WORK // self._flat.size), len(others))
        sample = others[np.linspace(0, len(others) - 1, most).astype(int)]
        least = np.min([distances.min(axis=0) for distances in self._squared(sample)], axis=0)
        return self.root_mean_square(float(np.median(least)))

    def root_mean_square(self, squared: float) -> float:
        """A squared distance as the root of its mean over all values of an image, from 0 to 255."""
        return float(np.sqrt(squared / self._flat.shape[1]))

    def _squared(self, others: np.ndarray) -> Iterator[np.ndarray]:
        """Squared distances float64 [rows, M], chunk by chunk."""
        flat = others.reshape(len(others), -1).astype(np.float64)
        norms = np.einsum("ij,ij->i", flat, flat)
        for first, rows in self._chunks():
            yield self._norms[first : first + len(rows), np.newaxis] + norms - 2 * (rows @ flat.T)

    def _chunks(self) -> Iterator[tuple[int, np.ndarray]]:
        """The number of the first image, and some images as float64 [rows, H * W * C]."""
        n, size = self._flat.shape
        step = max(1, CHUNK_BYTES // (8 * size))
        for first in range(0, n, step):
            yield first, self._flat[first : first + step].astype(np.float64)
