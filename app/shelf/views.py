"""Models on the shelf as they go over HTTP."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from app.http.urls import url
from core.card import Card
from models.notes import Notes
from models.shelf import Shelf


class ActiveIds(NamedTuple):
    """The ids of the active models."""

    overall: str
    by_dataset: Mapping[str, str]

    @classmethod
    def on(cls, shelf: Shelf) -> Self:
        """Those of a shelf now."""
        return cls(shelf.active(), shelf.actives())


class ModelView(BaseModel):
    """A model on the shelf."""

    id: str
    active: bool = Field(description="Whether `/generate` draws from it.")
    dataset: str = Field(description="What it was trained on.")
    active_in_dataset: bool = Field(description="Whether `/generate` draws from it where it asks for its data set.")
    classes: list[str] | None = Field(
        description="What `class` of `/generate` may ask for: names by number; null where numbers are all there is."
    )
    labels: dict[str, str] = Field(description="Words that people gave it, with their values.")
    note: str
    card: Card
    generate: str = Field(description="Images from this model.")

    @classmethod
    def of(cls, card: Card, notes: Notes, active: ActiveIds) -> Self:
        """Translate a checkpoint's card, and what is said of it."""
        model_id, dataset = card.model_id, card.recipe.dataset
        return cls(
            id=model_id,
            active=model_id == active.overall,
            dataset=dataset,
            active_in_dataset=model_id == active.by_dataset.get(dataset),
            classes=card.class_names,
            labels=notes.labels,
            note=notes.note,
            card=card,
            generate=url(f"/generate?model={model_id}"),
        )


class _Page(BaseModel):
    has_more: bool
    next: str | None = Field(description="The URL of the next page.")
    active: str
    previous: str | None = Field(description="The one that was active before; `PUT /models/active` goes back to it.")
    datasets: dict[str, str] = Field(description="The id of the active model of each data set that has one.")


def view(shelf: Shelf, card: Card) -> ModelView:
    """A model as it is now."""
    return ModelView.of(card, shelf.notes(card.model_id), ActiveIds.on(shelf))


class ModelPage(_Page):
    """Models on the shelf, newest first."""

    data: list[ModelView]


class PartialModelPage(_Page):
    """The same, of each model what `fields` names."""

    data: list[dict[str, Any]]


class ActivateRequest(BaseModel):
    """Which model `/generate` draws from."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"model": "0011223344556677"},
                {"model": "previous"},
                {"model": "previous", "dataset": "mnist"},
            ]
        },
    )

    model: str = Field(max_length=64, description="A model's id, or `previous`: the one that was active before.")
    dataset: str | None = Field(
        None,
        max_length=64,
        description="Change the active model of this data set alone; without it, that of the model's data set and the "
        "one that `/generate` draws from without `dataset`.",
    )
