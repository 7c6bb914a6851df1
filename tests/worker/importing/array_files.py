"""Files of arrays that a test makes, and what becomes of them."""

import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.import_options import ImportOptions
from tests.worker.importing.archives import put
from tests.worker.importing.assembling import Outcome, made_of, noise
from worker.importing.opening import open_source

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray) -> bytes:
    """An array as an IDX file."""
    header = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def npy(array: np.ndarray, pickled: bool = False) -> bytes:
    """An array as an npy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    """Arrays as an npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=True, **arrays)
    return file.getvalue()


def csv(rows: Sequence[Sequence[Any]], separator: str = ",", header: Sequence[str] = ()) -> bytes:
    """Rows as text."""
    lines = [separator.join(map(str, row)) for row in ([header] if header else []) + list(rows)]
    return "\n".join([*lines, ""]).encode()


def images(count: int, seed: int = 0, side: int = 16) -> np.ndarray:
    """So many grey images of noise: uint8 [n, side, side]."""
    return noise((count, side, side), seed)


def mnist(train: int = 40, test: int = 20, first: int = 0) -> dict[str, bytes]:
    """The four files of a data set like MNIST, packed, with labels from `first`."""
    return {
        "train-images-idx3-ubyte.gz": gzip.compress(idx(images(train))),
        "train-labels-idx1-ubyte.gz": gzip.compress(idx(labels(train, first))),
        "t10k-images-idx3-ubyte.gz": gzip.compress(idx(images(test, 1))),
        "t10k-labels-idx1-ubyte.gz": gzip.compress(idx(labels(test, first))),
    }


def labels(count: int, first: int = 0, classes: int = 4) -> np.ndarray:
    """Labels of classes in turn: uint8 [n]."""
    return (np.arange(count) % classes + first).astype(np.uint8)


def imported(folder: Path, data: bytes, name: str = "upload", **options: Any) -> Outcome:
    """Import an upload."""
    folder.mkdir(exist_ok=True)
    source = open_source(put(folder, data), name, ImportOptions(**options), folder)
    return made_of(folder / "out", source, **options)


def label_of(outcome: Outcome) -> dict[bytes, str]:
    """The name of the class of each image, by its pixels."""
    made = outcome.made
    assert made.labels is not None
    names = made.card.class_names
    return {image.tobytes(): names[label] for image, label in zip(made.images, made.labels.tolist(), strict=True)}


def expected(pixels: np.ndarray, names: Sequence[Any] | np.ndarray) -> dict[bytes, str]:
    """What `label_of` should say of images with these labels."""
    return {image.tobytes(): str(name) for image, name in zip(pixels, names, strict=True)}
