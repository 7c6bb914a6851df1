"""What tells images apart: a SHA-256 of the pixels, and two perceptual hashes for those that are nearly the same."""

from hashlib import sha256

import numpy as np

from core.image_shape import ImageShape
from worker.importing.pixels import as_grey, planes

HASH_SIDE = 8  # bits a side: 64 bits a hash
FLAT = 4  # levels that the light of neighbouring cells may differ by while they count as equal


class Fingerprints:
    """Of images that are given in order."""

    def __init__(self, shape: ImageShape) -> None:
        self._channels = shape.channels
        self._across = _boxes(shape.side, HASH_SIDE + 1), _boxes(shape.side, HASH_SIDE)
        self._digests = bytearray()
        self._hashes: list[np.ndarray] = []
        self._light: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._digests) // 32

    def add(self, images: np.ndarray) -> None:
        """Take the next images, uint8 [n, H, W, C]."""
        self._digests += b"".join(sha256(image.data).digest() for image in np.ascontiguousarray(images))
        grey = as_grey(images)[..., 0].astype(np.float32)
        flat = grey.reshape(len(grey), -1)
        tint = [channel.mean(axis=1, dtype=np.float32) for channel in planes(images)]
        self._light.append(np.column_stack([flat.mean(axis=1), flat.std(axis=1), *tint]))
        nine, eight = self._across
        rows, columns = eight.T @ grey @ nine, nine.T @ grey @ eight
        brighter = [_cells(rows[:, :, 1:] - rows[:, :, :-1]), _cells(columns[:, 1:] - columns[:, :-1])]
        self._hashes.append(np.stack(brighter, axis=1))

    @property
    def digests(self) -> np.ndarray:
        """SHA-256 of each image as four numbers that order as its bytes do: uint64 [N, 4]."""
        return np.frombuffer(bytes(self._digests), ">u8").reshape(-1, 4).astype(np.uint64)

    @property
    def hashes(self) -> np.ndarray:
        """Difference hashes across and down (Krawetz, "Kind of Like That", 2013): uint64 [N, 2]."""
        return np.concatenate([np.zeros((0, 2), np.uint64), *self._hashes])

    @property
    def light(self) -> np.ndarray:
        """Mean and standard deviation of the luma, mean of each channel: float32 [N, 2 + C]."""
        return np.concatenate([np.zeros((0, 2 + self._channels), np.float32), *self._light])


def _boxes(side: int, cells: int) -> np.ndarray:
    """Weights [side, cells] that average the pixels of a side in equal cells, parts of pixels by their share."""
    edges = np.linspace(0, side, cells + 1)
    pixel = np.arange(side)[:, np.newaxis]
    share = np.minimum(pixel + 1, edges[1:]) - np.maximum(pixel, edges[:-1])
    return (share.clip(min=0) * cells / side).astype(np.float32)


def _cells(differences: np.ndarray) -> np.ndarray:
    """[n, 8, 8] differences of light -> uint64 [n], a bit for each that is clearly positive."""
    bits = (differences > FLAT).reshape(len(differences), HASH_SIDE**2)
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)
