"""Which model draws for a data set: by the name that it was trained under, or by another name or the id of the same."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from app.http.services import Services
from core.card import ID_LENGTH
from core.dataset_card import CARD, read_dataset_card
from core.datasets import dataset_names
from core.errors import DatasetDamaged, DatasetNotFound, ModelNotFound


def active_model(services: Services, dataset: str | None) -> str:
    """The id of the active model of a data set, or without one that of the shelf. Raises ModelNotFound.

    The same images may have been imported under several names; models have the first of them. For an id, and for
    another name, a model that was trained on those very images goes before one that only has this name.
    """
    shelf = services.shelf
    same = _imported(services, dataset) if dataset is not None else None
    if same is None or same.name == dataset:
        return shelf.active(dataset)
    try:
        model_id = shelf.active(same.name)
        if services.renderer.models.card(model_id).dataset_sha256 == same.sha256:
            return model_id
        detail = f"the active model of {same.name!r} was trained on another version than {same.sha256[:ID_LENGTH]}"
        missing = ModelNotFound(f"{detail}; GET /models?dataset={same.name} lists them all")
    except ModelNotFound as error:
        missing = ModelNotFound(f"{error} ({dataset!r} was first imported as {same.name!r})")
    try:
        return shelf.active(dataset)
    except ModelNotFound:
        raise missing from None


class _Imported(NamedTuple):
    """What models of an imported data set are known by."""

    name: str
    sha256: str


def _imported(services: Services, dataset: str) -> _Imported | None:
    """An imported data set; a folder of the server goes before one of its name."""
    datasets = services.datasets
    try:
        folder = datasets.folder(datasets.find(dataset))
        found = _read(folder, (folder / CARD).stat().st_mtime_ns)
    except (DatasetNotFound, DatasetDamaged, FileNotFoundError):
        return None
    return None if dataset in dataset_names(services.settings.datasets_dir) else found


@lru_cache(256)  # each drawing asks, and to read a card of many classes takes longer than to draw
def _read(folder: Path, _changed_ns: int) -> _Imported:
    card = read_dataset_card(folder)
    return _Imported(card.name, card.sha256)
