"""Models on the shelf as they go over HTTP."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from app.http.urls import url
from core.card import Card


class ModelView(BaseModel):
    """A model on the shelf."""

    id: str
    active: bool
    card: Card
    generate: str = Field(description="Images from this model.")

    @classmethod
    def from_card(cls, card: Card, active: str) -> Self:
        """Translate a checkpoint's card."""
        model_id = card.model_id
        return cls(id=model_id, active=model_id == active, card=card, generate=url(f"/generate?model={model_id}"))


class ModelPage(BaseModel):
    """Models on the shelf, newest first."""

    data: list[ModelView]
    has_more: bool
    next: str | None = Field(description="The URL of the next page.")
    active: str
    previous: str | None = Field(description="The one that was active before; `PUT /models/active` goes back to it.")


class ActivateRequest(BaseModel):
    """Which model `/generate` draws from."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"model": "0011223344556677"}, {"model": "previous"}]}
    )

    model: str = Field(max_length=64, description="A model's id, or `previous`: the one that was active before.")
