"""The arrays of an imported data set: mapped into memory, so that to open them costs nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from core.dataset_card import IMAGES, LABELS, DatasetCard, read_dataset_card
from core.errors import DatasetDamaged
from core.image_shape import ImageShape


@dataclass(frozen=True)
class DatasetArrays:
    """Images and labels, the training ones first. What is written into them stays in memory."""

    card: DatasetCard
    images: np.ndarray  # uint8 [N, H, W, C]
    labels: np.ndarray | None  # uint16 [N]

    @property
    def train(self) -> slice:
        """Where the training images are."""
        return slice(0, self.card.train)

    @property
    def test(self) -> slice:
        """Where the test images are."""
        return slice(self.card.train, None)


def open_dataset(folder: Path) -> DatasetArrays:
    """Open a data set. Raises DatasetDamaged for one whose arrays are missing or not what its card says."""
    card = read_dataset_card(folder)
    count = card.train + card.test
    images = _open(folder / IMAGES, np.uint8, (count, *card.image_shape.array))
    labels = None if card.classes is None else _open(folder / LABELS, np.uint16, (count,))
    return DatasetArrays(card, images, labels)


class DatasetDigest:
    """The SHA-256 of all that a data set is, fed with its images in order: the id follows, however they came."""

    def __init__(self, shape: ImageShape, images: int, train: int, class_names: Sequence[str]) -> None:
        header = {"shape": shape.array, "images": images, "train": train, "classes": list(class_names)}
        self._digest = sha256(json.dumps(header, separators=(",", ":")).encode() + b"\0")

    def update(self, images: np.ndarray) -> None:
        """The next images, uint8 [n, H, W, C]."""
        self._digest.update(np.ascontiguousarray(images).data)

    def hexdigest(self, labels: np.ndarray | None) -> str:
        """With all labels, once all images were given."""
        if labels is not None:
            self._digest.update(np.ascontiguousarray(labels, dtype="<u2").data)
        return self._digest.hexdigest()


def dataset_digest(
    shape: ImageShape, train: int, class_names: Sequence[str], images: np.ndarray, labels: np.ndarray | None
) -> str:
    """Hex SHA-256 of a data set that is in memory, or mapped into it."""
    digest = DatasetDigest(shape, len(images), train, class_names)
    digest.update(images)
    return digest.hexdigest(labels)


def _open(path: Path, kind: type, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DatasetDamaged(f"{path}: cannot be opened: {error}") from error
    if array.dtype != kind or array.shape != shape:
        raise DatasetDamaged(f"{path}: is {array.dtype} {array.shape}; its card says {np.dtype(kind)} {shape}")
    return array
