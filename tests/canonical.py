"""Imported data sets for tests: canonical folders as the importer writes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.dataset_arrays import dataset_digest
from core.dataset_card import CARD, IMAGES, LABELS, PROBLEMS, DatasetCard
from core.dataset_shelf import DatasetShelf
from core.image_shape import ImageShape
from core.import_options import ImportOptions
from core.import_report import DatasetClass, Source


def some_images(n: int, side: int = 16, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Images that differ from each other: uint8 [n, side, side, channels]."""
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


def write_canonical(
    root: Path,
    name: str = "shapes",
    images: np.ndarray | None = None,
    labels: Sequence[int] | None = None,
    class_names: Sequence[str] = (),
    test: int = 8,
) -> DatasetCard:
    """Write `<root>/<id>/` and let `name` stand for it. The last `test` of the images are the test images."""
    images = some_images(40) if images is None else images
    train = len(images) - test
    side, channels = images.shape[1], images.shape[3]
    shape = ImageShape.model_validate({"side": side, "channels": channels})
    array = None if labels is None else np.asarray(labels, np.uint16)
    digest = dataset_digest(shape, train, class_names, images, array)
    classes = None
    if array is not None:
        counts = [(array[:train] == c, array[train:] == c) for c in range(len(class_names))]
        classes = [
            DatasetClass(name=one, train=int(in_train.sum()), test=int(in_test.sum()))
            for one, (in_train, in_test) in zip(class_names, counts, strict=True)
        ]
    card = DatasetCard(
        source=Source(name=f"{name}.zip", format="zip", bytes=1000, sha256="0" * 64),
        options=ImportOptions(),
        image_shape=shape,
        train=train,
        test=test,
        classes=classes,
        name=name,
        sha256=digest,
        created_at=datetime(2026, 11, 26, tzinfo=UTC),
        made_by="0.0.0",
    )
    folder = root / card.dataset_id
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / IMAGES, images)
    if array is not None:
        np.save(folder / LABELS, array)
    (folder / PROBLEMS).touch()
    (folder / CARD).write_text(card.model_dump_json(indent=2), encoding="utf-8")
    DatasetShelf(root).point(name, card.dataset_id)
    return card
