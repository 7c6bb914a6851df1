"""Data sets as they go over HTTP."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, Field

from app.datasets.finding import Found, State
from app.http.urls import url
from core.dataset_card import DatasetCard


class DatasetLinks(BaseModel):
    """Where to go from a data set."""

    self: str
    problems: str
    preview: str = Field(description="Some of the training images, in a PNG.")
    images: str = Field(description="A template: with `{k}` from 0 to `train` + `test` - 1 each image is a PNG.")
    floor: str = Field(description="What training images score, once something was trained on it.")
    download: str = Field(description="All images and labels, as an npz.")


class DatasetView(BaseModel):
    """An imported data set."""

    id: str
    state: State = Field(description="Of a deleted one the card alone is left.")
    names: list[str] = Field(description="The names that stand for it now.")
    card: DatasetCard = Field(description="What its import found and made.")
    links: DatasetLinks

    @classmethod
    def of(cls, found: Found, names: Mapping[str, str]) -> Self:
        """Show a data set. `names` are those of all, each with the id that it stands for."""
        base = url(f"/datasets/{found.id}")
        return cls(
            id=found.id,
            state=found.state,
            names=[name for name, dataset_id in names.items() if dataset_id == found.id],
            card=found.card,
            links=DatasetLinks(
                self=base,
                problems=f"{base}/problems",
                preview=f"{base}/preview.png",
                images=f"{base}/images/{{k}}.png",
                floor=f"{base}/floor",
                download=f"{base}/download",
            ),
        )


class DatasetPage(BaseModel):
    """Imported data sets, newest first."""

    data: list[DatasetView]
    has_more: bool
    next: str | None = Field(description="The URL of the next page.")
    folders: list[str] = Field(
        description="Data sets that were not imported and have no card: the folders of DIGITFORGE_DATASETS_DIR."
    )
