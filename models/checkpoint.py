"""The weights of a checkpoint: both networks as safetensors, beside the card of `models/card.py`.

They are verified against the card on every load. Nothing is pickled, so loading a checkpoint runs no code.
"""

from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors
from torch import nn

from models.card import CARD, DISCRIMINATOR, GENERATOR, Card, Provenance, read_card, read_verified
from models.dcgan import Discriminator, Generator
from models.errors import CheckpointError
from models.files import new_folder

N = TypeVar("N", bound=nn.Module)


def save_checkpoint(folder: Path, G: Generator, D: Discriminator, provenance: Provenance) -> Card:
    """Write a new checkpoint folder atomically.

    Raises FileExistsError when `folder` exists.
    """
    with new_folder(folder, label="checkpoint") as temporary:
        weights = {GENERATOR: _serialise(G), DISCRIMINATOR: _serialise(D)}
        for name, data in weights.items():
            (temporary / name).write_bytes(data)
        digests = {name: sha256(data).hexdigest() for name, data in weights.items()}
        card = Card(**dict(provenance), sha256=digests)
        (temporary / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
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
    data = read_verified(folder, name, card.sha256)
    network = kind(card.recipe)
    try:
        network.load_state_dict(parse_tensors(data))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"{folder / name}: does not hold the weights that its recipe describes: {error}"
        ) from error
    return network.eval()
