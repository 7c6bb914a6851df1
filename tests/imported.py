"""Imported data sets for tests: written as an import writes them, from arrays."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.dataset_arrays import dataset_digest
from core.dataset_card import CARD, IMAGES, LABELS, DatasetCard
from core.image_shape import ImageShape
from core.import_options import ImportOptions
from core.import_report import DatasetClass, Source


def colourful(n: int, side: int = 32, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Random uint8 images [n, side, side, channels]: a blob of one colour somewhere on another."""
    rng = np.random.default_rng(seed)
    images = np.empty((n, side, side, channels), np.uint8)
    for image in images:
        image[:] = rng.integers(256, size=channels)
        y, x = rng.integers(side // 2, size=2)
        image[y : y + side // 2, x : x + side // 2] = rng.integers(256, size=channels)
    return images


def write_imported(
    folder: Path,
    images: np.ndarray,
    labels: Sequence[int] | None = None,
    class_names: Sequence[str] = (),
    train: int | None = None,
    name: str = "own",
) -> DatasetCard:
    """Write a data set of `train` training images, or all, and test images behind them."""
    count, side, _, channels = images.shape
    train = count if train is None else train
    shape = ImageShape.model_validate({"side": side, "channels": channels})
    numbers = None if labels is None else np.array(labels, np.uint16)
    classes = None
    if numbers is not None:
        counts = [np.bincount(part, minlength=len(class_names)) for part in (numbers[:train], numbers[train:])]
        rows = zip(class_names, *counts, strict=True)
        classes = [DatasetClass(name=one, train=of_train, test=of_test) for one, of_train, of_test in rows]
    card = DatasetCard(
        source=Source(name=None, format="zip", bytes=1, sha256="0" * 64),
        options=ImportOptions(),
        image_shape=shape,
        train=train,
        test=count - train,
        classes=classes,
        name=name,
        sha256=dataset_digest(shape, train, class_names, images, numbers),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        made_by="0",
    )
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / IMAGES, images)
    if numbers is not None:
        np.save(folder / LABELS, numbers)
    (folder / CARD).write_text(card.model_dump_json())
    return card
