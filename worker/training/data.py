"""Data sets: folders of IDX files, raw or gzipped, of 28x28 grey images.

The IDX format is LeCun's: a magic number that tells type and rank, the sizes as big-endian integers, the bytes.
A folder may hold `digests.json` (file name -> SHA-256 of the unpacked bytes); where it does, the files must match.
"""

import gzip
import json
import zlib
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from models.dcgan import IMAGE_SIZE
from worker.training.errors import BadData

EMBEDDED = Path(__file__).resolve().parents[2] / "datasets"
DIGESTS = "digests.json"
UNSIGNED_BYTE = 0x08

Split = Literal["train", "t10k"]  # as MNIST's files are called


@dataclass(frozen=True)
class Dataset:
    """Images as one resident tensor, and their labels where they are trained on."""

    images: Tensor  # uint8 [N, 28, 28], 0 is black
    labels: Tensor | None  # int64 [N]
    sha256: str  # of the images' bytes and the labels'

    def __len__(self) -> int:
        return len(self.images)


def load_dataset(folder: Path, num_images: int | None = None, classes: int = 0, split: Split = "train") -> Dataset:
    """Load the images of a folder, or the first `num_images` of them, with labels where there are `classes`.

    Without classes no labels are needed; where they are present there must be one for each image. `t10k` is the split
    for tests. Raises BadData with the file's name and what is wrong with it.
    """
    images_file, labels_file = f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"
    if not folder.is_dir():
        raise BadData(f"{folder}: no such folder; a data set is a folder that holds {images_file}[.gz]")
    images_path, labels_path = folder / images_file, folder / labels_file
    images = read_idx(folder, images_file, rank=3)
    if images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        height, width = images.shape[1:]
        raise BadData(f"{images_path}: images are {height}x{width}; allowed: {IMAGE_SIZE}x{IMAGE_SIZE}")
    if images.size and images.max() <= 1:
        raise BadData(f"{images_path}: no pixel is brighter than {images.max()}; grey values go from 0 to 255")
    labels = np.empty(0, np.uint8)
    if classes and _find(folder, labels_file) is None:
        raise BadData(f"{labels_path}: no such file, raw or .gz; classes={classes} needs it, classes=0 does not")
    if _find(folder, labels_file) is not None:
        labels = read_idx(folder, labels_file, rank=1)
        if len(labels) != len(images):
            raise BadData(f"{labels_path}: {len(labels)} labels for {len(images)} images")
    if num_images is not None:
        if num_images > len(images):
            raise BadData(f"{images_path}: holds {len(images)} images; the recipe asks for num_images={num_images}")
        images, labels = images[:num_images], labels[:num_images]
    if not classes:
        return Dataset(torch.from_numpy(images.copy()), None, sha256(images.tobytes()).hexdigest())
    if labels.max() >= classes:
        raise BadData(f"{labels_path}: holds the label {labels.max()}; classes={classes} allows 0 to {classes - 1}")
    digest = sha256(images.tobytes() + labels.tobytes()).hexdigest()
    return Dataset(torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64)), digest)


def read_idx(folder: Path, name: str, rank: int) -> np.ndarray:
    """Read `name` or `name.gz`: uint8 of `rank` dimensions. Raises BadData."""
    path = _find(folder, name)
    if path is None:
        raise BadData(f"{folder / name}: no such file, raw or .gz")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"{path}: cannot be unpacked: {error}") from error
    _check_digest(folder, name, path, data)
    header = 4 + 4 * rank
    magic = bytes([0, 0, UNSIGNED_BYTE, rank])
    if data[:4] != magic:
        raise BadData(f"{path}: magic number is 0x{data[:4].hex()}; expected 0x{magic.hex()}")
    if len(data) < header:
        raise BadData(f"{path}: ends within its header, after {len(data)} bytes")
    shape = tuple(np.frombuffer(data, ">u4", count=rank, offset=4).tolist())
    if len(data) != header + prod(shape):
        raise BadData(f"{path}: holds {len(data) - header} bytes of data; its header {shape} needs {prod(shape)}")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def to_unit_range(pixels: Tensor) -> Tensor:
    """Map uint8 [B, 28, 28] to float32 [B, 1, 28, 28] in [-1, 1], the range of G's tanh."""
    return pixels.unsqueeze(1).float().div_(127.5).sub_(1.0)


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _check_digest(folder: Path, name: str, path: Path, data: bytes) -> None:
    digests = folder / DIGESTS
    if not digests.is_file():
        return
    try:
        expected = json.loads(digests.read_text(encoding="utf-8")).get(name)
    except (ValueError, AttributeError) as error:
        raise BadData(f"{digests}: not a JSON object of file names and digests") from error
    found = sha256(data).hexdigest()
    if expected is not None and found != expected:
        raise BadData(f"{path}: its SHA-256 is {found}; {DIGESTS} says {expected}")
