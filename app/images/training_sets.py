"""The images that models were trained on, for their neighbours: found, verified, and the last ones kept in memory."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.card import ID_LENGTH, Card
from core.dataset_arrays import dataset_digest, open_dataset
from core.dataset_shelf import DatasetShelf
from core.datasets import Split, dataset_names, find_file, images_file, labels_file
from core.errors import DatasetDeleted, DatasetNotFound
from core.idx import read_idx
from models.neighbours import Neighbourhood

MOST_BYTES = 2**28  # of all data sets in memory; the one that was used last stays
MOST_SETS = 4


class Neighbour(NamedTuple):
    """A training image."""

    number: int
    class_name: str | None
    distance: float  # root mean square of the differences of grey values
    pixels: np.ndarray  # uint8 [H, W, C]


class Neighbours(NamedTuple):
    """The training images nearest to an image, the nearest first."""

    images: int  # that were compared
    typical: float | None  # as far as a test image is from the nearest, by the median
    nearest: list[Neighbour]


@dataclass(frozen=True)
class _TrainingSet:
    near: Neighbourhood
    labels: np.ndarray | None
    names: list[str] | None  # of the classes; None: they are called by their numbers
    typical: float | None

    def name_of(self, number: int) -> str | None:
        """The name of the class of an image."""
        if self.labels is None:
            return None
        label = int(self.labels[number])
        return self.names[label] if self.names else str(label)


class TrainingSets:
    """The data sets of models. For one thread at a time."""

    def __init__(self, datasets: DatasetShelf, folders: Path) -> None:
        """`folders` holds those of the server."""
        self._datasets, self._folders = datasets, folders
        self._held: OrderedDict[tuple[str, int | None], _TrainingSet] = OrderedDict()  # least recently used first

    def imported(self, card: Card) -> str | None:
        """The id of the imported data set that a model was trained on; None for a folder of the server.

        Raises DatasetNotFound where it is neither, DatasetDeleted, and StoreAway.
        """
        dataset_id = card.dataset_sha256[:ID_LENGTH]
        try:
            found = self._datasets.find(dataset_id)
        except DatasetNotFound:
            if card.recipe.dataset in dataset_names(self._folders):
                return None
            found = self._datasets.find_now(dataset_id)
        if not self._datasets.has_images(found):
            raise DatasetDeleted(found)
        return found

    def search(self, card: Card, image: np.ndarray, k: int) -> Neighbours:
        """The k training images nearest to uint8 [H, W, C]. Raises as `imported` does, and DatasetDamaged."""
        imported, key = self.imported(card), (card.dataset_sha256, card.recipe.num_images)
        if key not in self._held:
            self._held[key] = self._of_import(card, imported) if imported else self._of_folder(card)
            while len(self._held) > MOST_SETS or (len(self._held) > 1 and self._bytes() > MOST_BYTES):
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        found = self._held[key]
        numbers, squared = found.near.nearest(image, k)
        nearest = [
            Neighbour(number, found.name_of(number), found.near.root_mean_square(distance), found.near.images[number])
            for number, distance in zip(numbers.tolist(), squared.tolist(), strict=True)
        ]
        return Neighbours(len(found.near.images), found.typical, nearest)

    def _bytes(self) -> int:
        return sum(one.near.nbytes for one in self._held.values())

    def _of_import(self, card: Card, dataset_id: str) -> _TrainingSet:
        self._datasets.fetch(dataset_id)
        arrays = open_dataset(self._datasets.folder(dataset_id))
        its, images, labels = arrays.card, arrays.images, arrays.labels
        _require(card, dataset_digest(its.image_shape, its.train, its.class_names, images, labels))
        near = Neighbourhood(images[: card.recipe.num_images or its.train])
        return _TrainingSet(near, labels, its.class_names or None, near.typical(images[arrays.test]))

    def _of_folder(self, card: Card) -> _TrainingSet:
        folder, most = self._folders / card.recipe.dataset, card.recipe.num_images
        images, labels = _read(folder, "train")
        images, labels = images[:most], None if labels is None else labels[:most]
        digest = sha256(images.tobytes())
        if card.recipe.classes and labels is not None:
            digest.update(labels.tobytes())
        _require(card, digest.hexdigest())
        near = Neighbourhood(images)
        tests, _ = _read(folder, "t10k") if find_file(folder, images_file("t10k")) else (images[:0], None)
        return _TrainingSet(near, labels, None, near.typical(tests))


def _read(folder: Path, split: Split) -> tuple[np.ndarray, np.ndarray | None]:
    """Images uint8 [N, H, W, 1] and labels [N] of a folder of IDX files, the labels where there are some."""
    images = read_idx(folder, images_file(split), rank=3)[..., np.newaxis]
    has_labels = find_file(folder, labels_file(split)) is not None
    return images, read_idx(folder, labels_file(split), rank=1) if has_labels else None


def _require(card: Card, found: str) -> None:
    if found != card.dataset_sha256:
        detail = (
            f"the data set {card.recipe.dataset!r} here is another one than model {card.model_id} was trained on: its "
            f"SHA-256 is {found[:ID_LENGTH]}..., the model's card says {card.dataset_sha256[:ID_LENGTH]}..."
        )
        raise DatasetNotFound(detail)
