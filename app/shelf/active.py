"""Which model draws for a data set: by the name that it was trained under, or by another name or the id of the same."""

from app.http.services import Services
from core.errors import DatasetDamaged, DatasetNotFound, ModelNotFound


def active_model(services: Services, dataset: str | None) -> str:
    """The id of the active model of a data set, or without one that of the shelf. Raises ModelNotFound.

    The same images may have been imported under several names; models have the first of them. For an id, and for
    another name, the active model must have been trained on those very images.
    """
    shelf, datasets = services.shelf, services.datasets
    try:
        return shelf.active(dataset)
    except ModelNotFound:
        try:
            card = datasets.card(datasets.find(dataset or ""))
        except (DatasetNotFound, DatasetDamaged):
            card = None
        if card is None or card.name == dataset:
            raise
    model_id = shelf.active(card.name)
    if services.renderer.models.card(model_id).dataset_sha256 != card.sha256:
        detail = f"the active model of {card.name!r} was trained on another version than {card.dataset_id}"
        raise ModelNotFound(f"{detail}; GET /models?dataset={card.name} lists them all")
    return model_id
