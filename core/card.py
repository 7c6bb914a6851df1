"""The card of a checkpoint: how it came about, and the digests that its files are verified against.

A checkpoint is a folder of three files: this card and two weights files. It is written whole or not at all and never
changed afterwards. Fields of a later version are passed over, but for knobs of the recipe, by which networks are built.
This module imports no torch; `models/checkpoint.py` reads and writes the weights.
"""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import CheckpointError
from core.image_shape import GREY_28, ImageShape
from core.recipe import Recipe
from core.schema import FIRST, SchemaNumber
from core.scores import ScoreSheet
from core.validation import Legible

CARD = "card.json"
GENERATOR = "generator.safetensors"
DISCRIMINATOR = "discriminator.safetensors"
ID_LENGTH = 16
SHARES_ARE_ONE = 1e-6  # but for rounding


class TrainingRecord(BaseModel):
    """Where, when, by what and from what a checkpoint was trained."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    schema_number: SchemaNumber = FIRST
    recipe: Recipe
    image_shape: ImageShape = Field(GREY_28, description="Of the images that it was trained on and draws.")
    dataset_sha256: str
    class_names: list[str] | None = Field(
        None, description="Names of its data set's classes by number; null where they are called by their numbers."
    )
    class_shares: list[Annotated[float, Field(ge=0, le=1)]] | None = Field(
        None, description="How often each class is drawn where none is asked for; null is equally often."
    )
    epoch: int
    step: int
    kimg: float = Field(description="Thousand real images shown.")
    losses: dict[str, float] = Field(description="Means over the last epoch.")
    scores: ScoreSheet | None = Field(None, description="Measured quality; null when its data set has no judge.")
    rolled_back_at: int | None = Field(
        None, description="Step with a number that was not finite; the run went back, and on at half the rates."
    )
    bit_exact: bool = Field(
        True,
        description="The weights are, byte for byte, those of an unbroken run of this recipe on this kind of machine; "
        "false once a run went on with other versions, other code, another device or number of threads, and on a GPU.",
    )
    device: str
    made_by: str | None = Field(None, description="The version of digitforge that trained it; null before 0.1.0.")
    versions: dict[str, str]
    command: Legible | None = Field(None, description="What was typed to train it; null for a job.")
    created_at: datetime

    @model_validator(mode="after")
    def _a_share_for_each_class(self) -> Self:
        shares = self.class_shares
        if shares is not None and (len(shares) != self.recipe.classes or abs(sum(shares) - 1) > SHARES_ARE_ONE):
            raise ValueError(f"class_shares must be {self.recipe.classes} numbers whose sum is 1")
        return self


class Card(TrainingRecord):
    """The `card.json` of a checkpoint: how it was trained, and the SHA-256 of each weights file."""

    sha256: dict[str, str]

    @property
    def model_id(self) -> str:
        """The first 16 hex digits of the generator's SHA-256: the same weights always have the same id."""
        return self.sha256[GENERATOR][:ID_LENGTH]


def read_card(folder: Path) -> Card:
    """Read a checkpoint's card without opening its weights.

    Raises CheckpointError when the card is missing or malformed.
    """
    path = folder / CARD
    try:
        card = Card.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}; a checkpoint folder holds a {CARD}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":  # of the recipe, or of the shape of the images
            raise CheckpointError(
                f"{path}: {where} is not known here, so that the networks cannot be built: a newer version trained it"
            ) from error
        raise CheckpointError(f"{path}: not a checkpoint card: {where or 'document'}: {first['msg']}") from error
    if set(card.sha256) != {GENERATOR, DISCRIMINATOR}:
        raise CheckpointError(f"{path}: sha256 must name {GENERATOR} and {DISCRIMINATOR}, nothing else")
    return card


def verify_checkpoint(folder: Path) -> Card:
    """Check every file against the card and return the card.

    Raises CheckpointError, naming the file, for one that is missing, truncated or altered.
    """
    card = read_card(folder)
    for name in card.sha256:
        read_verified(folder, name, card.sha256)
    return card


def read_verified(folder: Path, name: str, digests: dict[str, str]) -> bytes:
    """One file of a folder, verified against its card's digests. Raises CheckpointError as `verify_checkpoint` does."""
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    found = sha256(data).hexdigest()
    if found != digests[name]:
        raise CheckpointError(
            f"{path}: truncated or altered: its SHA-256 is {found[:ID_LENGTH]}..., "
            f"the card says {digests[name][:ID_LENGTH]}..."
        )
    return data
