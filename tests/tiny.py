"""Small real parts: a recipe of a few thousand weights, checkpoints and data sets in its size, a full disk."""

import gzip
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.card import Card, TrainingRecord
from core.image_shape import GREY_28, ImageShape
from core.recipe import Recipe
from core.scores import Scores, ScoreSheet
from models.checkpoint import save_checkpoint
from models.dcgan import Discriminator, Generator

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

# All that a test may depend on: the defaults of a recipe are free to follow the experiments.
KNOBS: dict[str, Any] = {
    "dataset": "tiny",
    "classes": 0,
    "epochs": 2,
    "batch_size": 8,
    "lr_g": 2e-4,
    "lr_d": 2e-4,
    "lr_decay": 0.0,
    "beta1": 0.5,
    "z_dim": 8,
    "g_filters": 4,
    "g_hidden_units": 8,
    "d_filters": 4,
    "d_layers": 2,
    "d_norm": "none",
    "dropout": 0.3,
    "leaky_slope": 0.2,
    "r1_gamma": 0.0,
    "ema_half_life_kimg": 0.0,
}


def tiny_recipe(**knobs: Any) -> Recipe:
    return Recipe(**{**KNOBS, **knobs})


def networks(recipe: Recipe, seed: int = 0, shape: ImageShape = GREY_28) -> tuple[Generator, Discriminator]:
    """Fresh networks that are a function of the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Generator(recipe, shape), Discriminator(recipe, shape)


def training_record(recipe: Recipe, created_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> TrainingRecord:
    return TrainingRecord(
        recipe=recipe,
        dataset_sha256="0" * 64,
        epoch=1,
        step=2,
        kimg=0.5,
        losses={"loss_d": 1.0},
        device="cpu",
        versions={"torch": "0"},
        command=None,
        created_at=created_at,
    )


def score_sheet(**changes: Any) -> ScoreSheet:
    """Scores of a fair model, with `changes`."""
    scores: dict[str, Any] = {
        "frechet": 10.0,
        "coverage": 0.8,
        "density": 0.9,
        "class_score": 9.8,
        "label_kl": 0.001,
        "smallest_class": 0.09,
        "class_coverage": [0.8] * 10,
    }
    floor = Scores(**{**scores, "frechet": 2.0, "coverage": 0.9})
    return ScoreSheet(**{**scores, "judge": "0123456789abcdef", "images": 10_000, "floor": floor, **changes})


def save_tiny(
    folder: Path,
    seed: int = 0,
    created_at: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    scores: ScoreSheet | None = None,
    shape: ImageShape = GREY_28,
    class_names: Sequence[str] | None = None,
    dataset_sha256: str = "0" * 64,
    **knobs: Any,
) -> Card:
    """A real checkpoint; another seed gives another model id."""
    recipe = tiny_recipe(seed=seed, **knobs)
    names = None if class_names is None else list(class_names)
    told = {"scores": scores, "image_shape": shape, "class_names": names, "dataset_sha256": dataset_sha256}
    record = training_record(recipe, created_at).model_copy(update=told)
    return save_checkpoint(folder, *networks(recipe, seed, shape), record)


def digit_like(n: int, seed: int = 0) -> np.ndarray:
    """Random uint8 images [n, 28, 28]: a grey blob somewhere on black."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, 28, 28), dtype=np.uint8)
    for image in images:
        y, x = rng.integers(4, 14, size=2)
        image[y : y + 10, x : x + 10] = rng.integers(50, 256, size=(10, 10))
    return images


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX file of a uint8 array, written independently of the reader under test."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_dataset(
    folder: Path, images: np.ndarray, labels: np.ndarray | None = None, *, split: str = "train", packed: bool = False
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if labels is not None:
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    name, data = f"{split}-images-idx3-ubyte", idx_bytes(images)
    if packed:
        name, data = f"{name}.gz", gzip.compress(data)
    (folder / name).write_bytes(data)
    return folder


def flip_byte(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@contextmanager
def one_thread() -> Iterator[None]:
    """Small tensors are faster on one thread, and their sums have one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the kernel refuse to write files beyond `size` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
