"""What an import says of the files that came: each one's fault by its code, and what looks wrong with the whole.

Words of a vocabulary are text here, because a report is read by later versions too; `core/vocabulary.py` has them.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core.image_shape import ImageShape
from core.import_options import ImportOptions
from core.validation import Legible

Action = Literal["dropped", "repaired", "kept"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FileProblem(_Part):
    """What is wrong with one file of a source, and what became of it."""

    file: Legible = Field(description="Its path in the source; with `#k` behind it, image k of a file of many.")
    code: str = Field(description="One of the problem codes of docs/datasets.md.")
    detail: Legible
    action: Action


class DatasetWarning(_Part):
    """Something that looks wrong with a data set as a whole, and what may help."""

    kind: str = Field(description="One of the warnings of docs/datasets.md.")
    detail: str
    hint: str = Field(description="Which option may help, or what else.")


class DatasetClass(_Part):
    """A class of a data set. Its number is its place in the list of them."""

    name: Legible
    train: int = Field(description="How many training images are of it.")
    test: int


class SizeCount(_Part):
    """How many images came in a size."""

    width: int
    height: int
    images: int


class Source(_Part):
    """What was uploaded."""

    name: Legible | None = Field(None, description="The file's name, where the client told it.")
    format: str = Field(description="What its bytes are, such as `zip`, `idx` or `csv`.")
    bytes: int
    sha256: str


class Proposal(_Part):
    """A recipe for a data set, and why."""

    recipe: dict[str, Any] = Field(description="Knobs that differ from those of the preset `quality`.")
    reasons: dict[str, str] = Field(description="Why, for each knob.")
    minutes: float | None = Field(None, description="How long it would train on two cores, roughly.")


class ImportReport(_Part):
    """What came, and what became of it."""

    source: Source
    options: ImportOptions
    image_shape: ImageShape | None = Field(None, description="Of the images as they are trained on.")
    train: int = Field(0, description="Training images.")
    test: int = Field(0, description="Test images.")
    classes: list[DatasetClass] | None = Field(None, description="Null where the images have no labels.")
    sizes: list[SizeCount] = Field(default_factory=list, description="The most frequent sizes that came.")
    modes: dict[str, int] = Field(default_factory=dict, description="How many images came in each pixel mode.")
    problems: dict[str, int] = Field(default_factory=dict, description="How many problems there are of each code.")
    warnings: list[DatasetWarning] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list, description="What was chosen by what came, in sentences.")
    proposal: Proposal | None = None
    rejected: str | None = Field(None, description="Why nothing can be made of it.")

    @field_validator("options", mode="before")
    @classmethod
    def _options_that_are_known(cls, values: Any) -> Any:
        """Without those of a later version: what they did is done."""
        known = ImportOptions.model_fields
        return {name: value for name, value in values.items() if name in known} if isinstance(values, dict) else values
