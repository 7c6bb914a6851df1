"""A checkpoint: the two networks as safetensors and a JSON card that says how they came about.

A checkpoint is a folder of three files. It is written whole or not at all, never changed afterwards, and verified
against the digests in its card on every load. Nothing in it is pickled, so loading one runs no code.
"""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors
from torch import nn

from models.dcgan import Discriminator, Generator
from models.errors import CheckpointError
from models.files import new_folder, sha256_of
from models.recipe import Recipe

CARD = "card.json"
GENERATOR = "generator.safetensors"
DISCRIMINATOR = "discriminator.safetensors"
ID_LENGTH = 16

N = TypeVar("N", bound=nn.Module)


class Provenance(BaseModel):
    """Where, when and from what a checkpoint was trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Recipe
    dataset_sha256: str
    epoch: int
    step: int
    kimg: float = Field(description="Thousand real images shown.")
    losses: dict[str, float] = Field(description="Means over the last epoch.")
    scores: dict[str, float] = Field(default_factory=dict, description="Measured quality; empty when not scored.")
    device: str
    versions: dict[str, str]
    command: str | None = Field(None, description="What was typed to train it, where that is known.")
    created_at: datetime


class Card(Provenance):
    """The `card.json` of a checkpoint: its provenance and the SHA-256 of each weights file."""

    sha256: dict[str, str]

    @property
    def model_id(self) -> str:
        """The first 16 hex digits of the generator's SHA-256: the same weights always have the same id."""
        return self.sha256[GENERATOR][:ID_LENGTH]


def save_checkpoint(folder: Path, G: Generator, D: Discriminator, provenance: Provenance) -> Card:
    """Write a new checkpoint folder atomically.

    Raises FileExistsError when `folder` exists.
    """
    with new_folder(folder) as temporary:
        (temporary / GENERATOR).write_bytes(_serialise(G))
        (temporary / DISCRIMINATOR).write_bytes(_serialise(D))
        digests = {name: sha256_of(temporary / name) for name in (GENERATOR, DISCRIMINATOR)}
        card = Card(**dict(provenance), sha256=digests)
        (temporary / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def read_card(folder: Path) -> Card:
    """Read a checkpoint's card without opening its weights.

    Raises CheckpointError when the card is missing or malformed.
    """
    path = folder / CARD
    try:
        card = Card.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file; a checkpoint folder holds a {CARD}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
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
        _read_verified(folder, name, card)
    return card


def load_generator(folder: Path) -> Generator:
    """Load and verify G, on the CPU and in evaluation mode.

    Raises CheckpointError, naming the file, when it is missing, truncated, altered or of other shapes than the recipe.
    """
    return _load(folder, GENERATOR, Generator)


def load_discriminator(folder: Path) -> Discriminator:
    """Load and verify D, as `load_generator` does G."""
    return _load(folder, DISCRIMINATOR, Discriminator)


def _serialise(network: nn.Module) -> bytes:
    return format_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()})


def _load(folder: Path, name: str, kind: type[N]) -> N:
    card = read_card(folder)
    data = _read_verified(folder, name, card)
    network = kind(card.recipe)
    try:
        network.load_state_dict(parse_tensors(data))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"{folder / name}: does not hold the weights that its recipe describes: {error}"
        ) from error
    return network.eval()


def _read_verified(folder: Path, name: str, card: Card) -> bytes:
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    found = sha256(data).hexdigest()
    if found != card.sha256[name]:
        raise CheckpointError(
            f"{path}: truncated or altered: its SHA-256 is {found[:ID_LENGTH]}..., "
            f"the card says {card.sha256[name][:ID_LENGTH]}..."
        )
    return data
