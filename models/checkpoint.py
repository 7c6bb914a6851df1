"""The weights of a checkpoint: both networks as safetensors, beside the card of `core/card.py`.

They are verified against the card on every load. Nothing is pickled, so loading a checkpoint runs no code.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors
from torch import nn

from core.card import CARD, DISCRIMINATOR, GENERATOR, Card, TrainingRecord, read_card, read_verified
from core.errors import CheckpointError
from core.files import new_folder
from models.dcgan import Discriminator, Generator

OLD_NAMES = {"up14.weight", "down14.weight"}  # layers were named by the side of their images

N = TypeVar("N", Generator, Discriminator)


def save_checkpoint(folder: Path, G: Generator, D: Discriminator, record: TrainingRecord) -> Card:
    """Write a new checkpoint folder atomically.

    Raises FileExistsError when `folder` exists.
    """
    with new_folder(folder, label="checkpoint") as temporary:
        weights = {GENERATOR: _serialise(G), DISCRIMINATOR: _serialise(D)}
        for name, data in weights.items():
            (temporary / name).write_bytes(data)
        digests = {name: sha256(data).hexdigest() for name, data in weights.items()}
        card = Card(**dict(record), sha256=digests)
        (temporary / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def load_generator(folder: Path, card: Card | None = None) -> Generator:
    """Load and verify G, on the CPU and in evaluation mode; against a card that was read before, if one is given.

    Raises CheckpointError, naming the file, when it is missing, truncated, altered or of other shapes than the recipe.
    """
    build = lambda card: Generator(card.recipe, card.image_shape, card.class_shares)  # noqa: E731
    return _load(folder, GENERATOR, build, card)


def load_discriminator(folder: Path) -> Discriminator:
    """Load and verify D, as `load_generator` does G."""
    return _load(folder, DISCRIMINATOR, lambda card: Discriminator(card.recipe, card.image_shape))


def _serialise(network: nn.Module) -> bytes:
    return format_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()})


def _load(folder: Path, name: str, build: Callable[[Card], N], card: Card | None = None) -> N:
    card = card or read_card(folder)
    data = read_verified(folder, name, card.sha256)
    network = build(card)
    try:
        tensors = parse_tensors(data)
        if not tensors.keys().isdisjoint(OLD_NAMES):
            raise CheckpointError(
                f"{folder / name}: its layers have the names of a version before 0.1.0, which this one does not read; "
                "train the model again"
            )
        network.load_state_dict(tensors)
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"{folder / name}: does not hold the weights that its recipe describes: {error}"
        ) from error
    return network.eval()
