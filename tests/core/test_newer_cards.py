"""Cards that a later version wrote: what it added is passed over, unless it cannot be done without."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.card import CARD, read_card
from core.dataset_card import read_dataset_card
from core.errors import CheckpointError, DatasetDamaged
from core.schema import SCHEMA
from models.checkpoint import load_discriminator, load_generator
from tests.imported import colourful, write_imported
from tests.tiny import save_tiny, score_sheet


def edited(folder: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    path = folder / CARD
    card = json.loads(path.read_text())
    edit(card)
    path.write_text(json.dumps(card))
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    save_tiny(tmp_path / "checkpoint", scores=score_sheet())
    return tmp_path / "checkpoint"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_imported(tmp_path / "dataset", colourful(8), [0, 1] * 4, ["a", "b"])
    return tmp_path / "dataset"


def test_a_card_with_more_fields_is_the_same_card(checkpoint: Path) -> None:
    before = read_card(checkpoint)
    edited(checkpoint, lambda card: card.update(energy_kwh=0.2))
    edited(checkpoint, lambda card: card["scores"].update(recall=0.9))
    edited(checkpoint, lambda card: card["scores"]["floor"].update(recall=0.9))
    assert read_card(checkpoint) == before
    load_generator(checkpoint)
    load_discriminator(checkpoint)


@pytest.mark.parametrize("where", ["recipe", "image_shape"])
def test_what_networks_are_built_by_has_to_be_known(checkpoint: Path, where: str) -> None:
    edited(checkpoint, lambda card: card[where].update(heads=4))
    with pytest.raises(CheckpointError, match=rf"{where}\.heads is not known here, so that the networks cannot be"):
        read_card(checkpoint)


def test_cards_of_a_newer_schema_are_refused_by_name(checkpoint: Path, dataset: Path) -> None:
    for folder in (checkpoint, dataset):
        edited(folder, lambda card: card.update(schema_number=SCHEMA + 1))
    why = f"written by a newer version, as schema {SCHEMA + 1}; this one reads up to {SCHEMA}"
    with pytest.raises(CheckpointError, match=why):
        read_card(checkpoint)
    with pytest.raises(DatasetDamaged, match=why):
        read_dataset_card(dataset)


def test_cards_of_the_first_schema_have_no_number_so_that_older_versions_read_them(
    checkpoint: Path, dataset: Path
) -> None:
    assert SCHEMA == 1, "then say what becomes of cards without a number"
    for folder in (checkpoint, dataset):
        assert "schema_number" not in json.loads((folder / CARD).read_text())
        edited(folder, lambda card: card.update(schema_number=1))
    assert read_card(checkpoint).schema_number == read_dataset_card(dataset).schema_number == 1


def test_a_data_set_with_more_fields_and_options_is_the_same_data_set(dataset: Path) -> None:
    before = read_dataset_card(dataset)
    edited(dataset, lambda card: card.update(licence="CC0"))
    edited(dataset, lambda card: card["options"].update(denoise=True))
    edited(dataset, lambda card: card["classes"][0].update(colour="red"))
    assert read_dataset_card(dataset) == before
