"""Which model draws for a data set: by the name that it was trained under, or by another name or the id of the same."""

from app.http.services import Services
from core.dataset_card import DatasetCard
from core.datasets import dataset_names
from core.errors import DatasetDamaged, DatasetNotFound, ModelNotFound


def active_model(services: Services, dataset: str | None) -> str:
    """The id of the active model of a data set, or without one that of the shelf. Raises ModelNotFound.

    The same images may have been imported under several names; models have the first of them. For an id, and for
    another name, a model that was trained on those very images goes before one that only has this name.
    """
    shelf = services.shelf
    card = _imported(services, dataset) if dataset is not None else None
    if card is None or card.name == dataset:
        return shelf.active(dataset)
    try:
        model_id = shelf.active(card.name)
        if services.renderer.models.card(model_id).dataset_sha256 == card.sha256:
            return model_id
        detail = f"the active model of {card.name!r} was trained on another version than {card.dataset_id}"
        missing = ModelNotFound(f"{detail}; GET /models?dataset={card.name} lists them all")
    except ModelNotFound as error:
        missing = ModelNotFound(f"{error} ({dataset!r} was first imported as {card.name!r})")
    try:
        return shelf.active(dataset)
    except ModelNotFound:
        raise missing from None


def _imported(services: Services, dataset: str) -> DatasetCard | None:
    """The card of an imported data set; a folder of the server goes before one of its name."""
    try:
        card = services.datasets.card(services.datasets.find(dataset))
    except (DatasetNotFound, DatasetDamaged):
        return None
    return None if dataset in dataset_names(services.settings.datasets_dir) else card
