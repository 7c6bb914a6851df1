"""What an import is asked for: which images the data set is to have, and how theirs are made of those that came."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from core.image_shape import ImageShape

SMALLEST_SIDE, LARGEST_SIDE = 16, 128  # pixels

Fit = Literal["pad", "crop", "stretch"]
Labels = Literal["auto", "none", "first", "last"]
SplitRule = Literal["auto", "none"]


def _allowed_sides() -> list[int]:
    """The sides that the networks can halve down to their base."""
    return [side for side in range(SMALLEST_SIDE, LARGEST_SIDE + 1) if ImageShape.has_base(side)]


class ImportOptions(BaseModel):
    """The choices of an import. What is left out is chosen by what came, and the report says how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int | None = Field(
        None, ge=SMALLEST_SIDE, le=LARGEST_SIDE, description="Side of the images in pixels; chosen by what came."
    )
    channels: Literal[1, 3] | None = Field(None, description="1 is grey, 3 is colour; chosen by what came.")
    fit: Fit = Field(
        "pad",
        description="What becomes of images that are not square: `pad` with the colour of their edge, `crop` to the "
        "middle, or `stretch`.",
    )
    background: str | None = Field(
        None,
        pattern="^[0-9a-fA-F]{6}$",
        description="Colour behind transparent images, as in `ffffff`; chosen by what came.",
    )
    invert: bool = Field(False, description="Whether black becomes white and the reverse.")
    transpose: bool = Field(False, description="Whether rows become columns, as EMNIST needs it.")
    labels: Labels = Field(
        "auto",
        description="Where classes come from: `auto` takes folders, label files and columns, `none` takes none; a "
        "table of pixels has its label `first` or `last`.",
    )
    split: SplitRule = Field(
        "auto", description="`auto` keeps the test images that came, or sets a tenth apart; `none` trains on all."
    )

    @field_validator("background")
    @classmethod
    def _in_lower_case(cls, value: str | None) -> str | None:
        return value and value.lower()

    @model_validator(mode="after")
    def _side_that_halves(self) -> Self:
        if self.size is not None and not ImageShape.has_base(self.size):
            allowed = ", ".join(map(str, _allowed_sides()))
            raise PydanticCustomError(
                "side",
                "the networks cannot draw {size} pixels; allowed: {allowed}",
                {"size": self.size, "allowed": allowed, "field": "size"},
            )
        return self
