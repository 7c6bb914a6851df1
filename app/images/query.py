"""What /generate is asked for: each field a query parameter."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from app.images.formats import Format
from app.images.latent_texts import AT, NUDGES, canonical_at, canonical_nudge
from core.recipe import MAX_SEED, Seed

MAX_FRAMES = 128


class GridQuery(BaseModel):
    """Which images, and how they are laid out. The fields stand in the order of the canonical URL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = Field(16, ge=1, le=256, description="How many images.")
    seed: Seed | None = Field(None, description="The same seed gives the same images; without one the server draws it.")
    at: Annotated[str, Field(max_length=40, json_schema_extra={"pattern": AT})] | None = Field(
        None,
        description="A point `x,y` of the plane where seed x + 1000 y lies at whole numbers, as in `1.5,2`: the images "
        "there, mixed from those of the seeds around.",
    )
    interpolate: str | None = Field(
        None,
        pattern="^[0-9]{1,16},[0-9]{1,16}$",
        description="Two seeds, as in `3,9`: a walk from the images of the one to those of the other.",
    )
    frames: int = Field(24, ge=2, le=MAX_FRAMES, description="Pictures of the walk.")
    start: int = Field(0, ge=0, le=MAX_SEED - 256, description="Number of the first image of the seed.")
    digit: str | None = Field(
        None,
        pattern="^[0-9]{1,256}$",
        description="Which digit; of several, such as `0123456789`, image k is the k-th. For classes named 0 to 9.",
    )
    class_: str | None = Field(
        None,
        alias="class",
        min_length=1,
        max_length=8192,
        description="Which class, by name or number; of several, such as `shirt,boot`, image k is the k-th.",
    )
    cols: int | None = Field(None, ge=1, le=256, description="Images in a row; the smallest square without it.")
    pad: int = Field(2, ge=0, le=32, description="Pixels of background between images.")
    scale: int = Field(1, ge=1, le=8, description="How often each pixel is repeated in both directions.")
    invert: bool = Field(False, description="Black on white.")
    truncation: float = Field(
        1.0, ge=0, le=1, allow_inf_nan=False, description="Scales z: less draws images that are more alike."
    )
    nudge: Annotated[str, Field(max_length=400, json_schema_extra={"pattern": NUDGES})] | None = Field(
        None,
        description="Steps of z along directions of `/models/{model_id}/directions`, as in `0:1.5,3:-2`.",
    )
    format: Format | None = Field(
        None,
        description="A grid (`png`, `webp` without loss), or each image by itself: PNGs in a `zip` or in `json`, "
        "an array of NumPy in `npz`; with `interpolate` a moving grid (`webp`, `gif`). Without it, as `Accept` says; "
        "the first of them where it does not.",
    )
    dataset: str | None = Field(None, max_length=64, description="The data set whose active model draws.")
    model: str | None = Field(
        None,
        max_length=64,
        description="A model's id, or a checkpoint of a job as `<job>@<epoch>`, with `best` and `latest` for the "
        "number of an epoch; without one it is the active model.",
    )
    judge: str | None = Field(
        None,
        pattern="^[0-9a-f]{16}$",
        description="The id of the judge that picks a class for a model without classes; any other is refused.",
    )

    @field_validator("at")
    @classmethod
    def _point(cls, value: str | None) -> str | None:
        return None if value is None else canonical_at(value)

    @field_validator("nudge")
    @classmethod
    def _amounts(cls, value: str | None) -> str | None:
        return None if value is None else canonical_nudge(value)

    @field_validator("interpolate")
    @classmethod
    def _two_seeds(cls, value: str | None) -> str | None:
        if value is not None:
            first, last = map(int, value.split(","))
            if first == last or max(first, last) > MAX_SEED:
                raise PydanticCustomError("two_seeds", "allowed: two different seeds from 0 to 9007199254740991")
            return f"{first},{last}"
        return value

    @model_validator(mode="after")
    def _columns_within_n(self) -> Self:
        if self.cols is not None and self.cols > self.n:
            raise PydanticCustomError(
                "too_many_columns",
                "Input should be less than or equal to n, which is {n}",
                {"n": self.n, "cols": self.cols, "field": "cols"},
            )
        return self

    @model_validator(mode="after")
    def _one_word_for_a_thing(self) -> Self:
        for field, other in (("class_", "digit"), ("dataset", "model")):
            if getattr(self, field) is not None and getattr(self, other) is not None:
                name = PARAMETERS[field]
                context = {"name": name, "other": other, "field": name, name: getattr(self, field)}
                raise PydanticCustomError("one_of_two", "allowed: {name} or {other}, not both", context)
        return self

    @property
    def wants_classes(self) -> bool:
        """Whether the query says of which classes the images are."""
        return self.digit is not None or self.class_ is not None

    @property
    def names_seeds(self) -> bool:
        """Whether the query says which images to draw, so that the same URL asks for the same images again."""
        return self.seed is not None or self.interpolate is not None or self.at is not None


# The query parameter of each field.
PARAMETERS = {name: field.alias or name for name, field in GridQuery.model_fields.items()}
