"""Data sets: images with their labels, as tensors.

A folder holds IDX files, see `core/datasets.py`, or is what an import made, see `core/dataset_card.py`.
"""

import os
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.dataset_arrays import DatasetArrays, dataset_digest, open_dataset
from core.dataset_card import CARD, IMAGES
from core.datasets import Split, find_file, images_file, labels_file, why_no_file
from core.errors import DatasetDamaged
from core.image_shape import GREY_28, ImageShape
from worker.training.errors import BadData
from worker.training.idx import read_idx

EMBEDDED = Path(__file__).resolve().parents[2] / "datasets"


@dataclass(frozen=True)
class Dataset:
    """Images as one tensor, and their labels where they are trained on."""

    images: Tensor  # uint8 [N, H, W, C], 0 is black
    labels: Tensor | None  # int64 [N]
    sha256: str  # of the images' bytes and the labels'; that of an imported set is of all of it, whatever is loaded
    left_out: frozenset[int] = frozenset()  # labels of images that `num_images` cut off
    class_names: tuple[str, ...] | None = None  # of an imported set with labels, loaded or not; None: numbers
    class_shares: tuple[float, ...] | None = None  # of the images, where the classes are not drawn equally often
    test: "Dataset | None" = None  # an imported set's test images, where it has any

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> ImageShape:
        """The shape of each image."""
        _, side, _, channels = self.images.shape
        return ImageShape.model_validate({"side": side, "channels": channels})


def load_dataset(folder: Path, num_images: int | None = None, classes: int = 0, split: Split = "train") -> Dataset:
    """Load the images of a folder, or the first `num_images` of them, with labels where there are `classes`.

    Without classes no labels are needed; where they are present there must be one for each image. `t10k` is the split
    for tests. Raises BadData with the file's name and what is wrong with it.
    """
    if (folder / CARD).is_file():
        return _load_imported(folder, num_images, classes, split)
    if not os.path.isdir(folder):  # noqa: PTH112  Path.is_dir raises where there is no access, up to Python 3.13
        raise BadData(f"{folder}: no such folder; a data set is a folder that holds {images_file(split)}[.gz]")
    images_path, labels_path = folder / images_file(split), folder / labels_file(split)
    images = read_idx(folder, images_path.name, rank=3)
    images = images[..., np.newaxis]  # grey
    if images.shape[1:] != GREY_28.array:
        height, width, _ = images.shape[1:]
        raise BadData(f"{images_path}: images are {height}x{width}; allowed: {GREY_28.side}x{GREY_28.side}")
    if images.max() <= 1:
        raise BadData(f"{images_path}: no pixel is brighter than {images.max()}; grey values go from 0 to 255")
    labels = np.empty(0, np.uint8)
    if find_file(folder, labels_path.name) is not None:
        labels = read_idx(folder, labels_path.name, rank=1)
        if len(labels) != len(images):
            raise BadData(f"{labels_path}: {len(labels)} labels for {len(images)} images")
    elif classes:
        reason = why_no_file(folder, labels_path.name)
        raise BadData(f"{reason}; classes={classes} needs labels, classes=0 does not")
    if num_images is not None and num_images > len(images):
        raise BadData(f"{images_path}: holds {len(images)} images; the recipe asks for num_images={num_images}")
    left_out = frozenset(labels[num_images:].tolist()) if num_images is not None else frozenset()
    images, labels = images[:num_images], labels[:num_images]
    if not classes:
        return Dataset(torch.from_numpy(images.copy()), None, sha256(images.tobytes()).hexdigest())
    most = int(labels.max())
    if most >= classes:
        detail = f"holds the label {most}; classes={classes} allows 0 to {classes - 1}, classes={most + 1} fits"
        raise BadData(f"{labels_path}: {detail}")
    digest = sha256(images.tobytes() + labels.tobytes()).hexdigest()
    return Dataset(torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64)), digest, left_out)


def _load_imported(folder: Path, num_images: int | None, classes: int, split: Split) -> Dataset:
    """The same of an imported data set, whose images stay mapped from their file. It has all its classes or none."""
    try:
        arrays = open_dataset(folder)
    except DatasetDamaged as error:
        raise BadData(str(error)) from error
    card = arrays.card
    if dataset_digest(card.image_shape, card.train, card.class_names, arrays.images, arrays.labels) != card.sha256:
        raise BadData(f"{folder}: altered: its images or labels do not have the SHA-256 that its card says")
    if classes not in (0, len(card.class_names)):
        allowed = f"0 or {len(card.class_names)}" if card.class_names else "0"
        raise BadData(f"{folder}: has {len(card.class_names) or 'no'} classes; allowed: classes={allowed}")
    if num_images is not None and num_images > card.train:
        raise BadData(f"{folder / IMAGES}: holds {card.train} images; the recipe asks for num_images={num_images}")
    test = _part(arrays, arrays.test, classes) if card.test else None
    if split == "train":
        rows = slice(num_images or card.train)
        rest = slice(rows.stop, card.train)
        left_out = frozenset(arrays.labels[rest].tolist()) if classes and arrays.labels is not None else frozenset()
        return replace(_part(arrays, rows, classes), left_out=left_out, test=test)
    if test is None:
        raise BadData(f"{folder}: has no test images")
    return test


def _part(arrays: DatasetArrays, rows: slice, classes: int) -> Dataset:
    images, labels, shares = torch.from_numpy(arrays.images[rows]), None, None
    if classes and arrays.labels is not None:
        labels = torch.from_numpy(arrays.labels[rows].astype(np.int64))
        shares = tuple((labels.bincount(minlength=classes).double() / len(labels)).tolist())
    names = tuple(arrays.card.class_names) or None
    return Dataset(images, labels, arrays.card.sha256, class_names=names, class_shares=shares)


def to_unit_range(pixels: Tensor) -> Tensor:
    """Map uint8 [B, H, W, C] to float32 [B, C, H, W] in [-1, 1], the range of G's tanh."""
    # With one channel, strides decide which kernels convolutions take: those of a plain [B, 1, H, W] array.
    images = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    return images.div_(127.5).sub_(1.0)
