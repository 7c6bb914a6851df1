"""The shape of the images that a model is trained on and draws. This module imports no torch."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LARGEST_BASE = 8  # pixels


class ImageShape(BaseModel):
    """Square images of `side` by `side` pixels, each of `channels` bytes: 1 is grey, 3 is colour.

    The networks halve the side `stages` times, down to a `base` of 5 to 8 pixels: 28 is 7 doubled twice, 32 is 8
    doubled twice, 64 is 8 doubled three times. Raises ValidationError for a side without such a base.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    side: int = Field(ge=16, le=1024)
    channels: Literal[1, 3]

    @model_validator(mode="after")
    def _side_has_a_base(self) -> Self:
        if not self.has_base(self.side):
            raise ValueError(f"a side of {self.side} pixels is no 5 to 8 pixels doubled again and again")
        return self

    @staticmethod
    def has_base(side: int) -> bool:
        """Whether a side is 5 to 8 pixels doubled again and again."""
        return (side >> _stages(side)) << _stages(side) == side

    @property
    def stages(self) -> int:
        """How often the side is halved between the images and the base."""
        return _stages(self.side)

    @property
    def base(self) -> int:
        """Side of the images in G's first stage, in pixels."""
        return self.side >> self.stages

    @property
    def array(self) -> tuple[int, int, int]:
        """An image's shape as an array of pixels: (height, width, channels)."""
        return self.side, self.side, self.channels

    def __str__(self) -> str:
        return f"{self.side}x{self.side}, {'grey' if self.channels == 1 else 'colour'}"


def _stages(side: int) -> int:
    stages = 0
    while side >> stages > LARGEST_BASE:
        stages += 1
    return stages


GREY_28 = ImageShape(side=28, channels=1)  # MNIST's
