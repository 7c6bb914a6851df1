"""Data sets on an API's shelf, without an import."""

import shutil
from collections.abc import Sequence

import numpy as np

from app.http.services import Services
from core.dataset_card import CARD, DatasetCard
from core.import_report import Proposal
from tests.imported import write_imported


def shelve(
    services: Services,
    images: np.ndarray,
    labels: Sequence[int] | None = None,
    class_names: Sequence[str] = (),
    train: int | None = None,
    name: str = "own",
    proposal: Proposal | None = None,
) -> DatasetCard:
    """Put a data set onto the shelf and let its name stand for it."""
    beside = services.settings.imported_dir / ".tmp-made"
    card = write_imported(beside, images, labels, class_names, train, name)
    if proposal:
        card = card.model_copy(update={"proposal": proposal})
        (beside / CARD).write_text(card.model_dump_json())
    with services.datasets.changing():
        services.datasets.add(beside, card.dataset_id)
        services.datasets.point(name, card.dataset_id)
    shutil.rmtree(beside)
    return card
