import json
import pickle
from collections.abc import Callable
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import nn

from core.card import CARD, DISCRIMINATOR, GENERATOR, TrainingRecord, read_card, verify_checkpoint
from core.errors import CheckpointError
from core.files import sha256_of
from core.image_shape import ImageShape
from models.checkpoint import load_discriminator, load_generator, save_checkpoint
from models.dcgan import Discriminator, Generator
from models.sampling import draw
from models.shelf import PRETRAINED
from tests.tiny import flip_byte, largest_file, networks, save_tiny, tiny_recipe, training_record

FILES = (CARD, GENERATOR, DISCRIMINATOR)
WEIGHTS = (GENERATOR, DISCRIMINATOR)


def load_all(folder: Path) -> tuple[Generator, Discriminator]:
    """Everything that a reader can do with a checkpoint."""
    verify_checkpoint(folder)
    return load_generator(folder), load_discriminator(folder)


def edit_card(folder: Path, **changes: Any) -> None:
    path = folder / CARD
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def sign(folder: Path) -> None:
    """Bring the card's digests to the files that are there."""
    edit_card(folder, sha256={name: sha256_of(folder / name) for name in WEIGHTS})


def equal_weights(a: nn.Module, b: nn.Module) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_what_was_saved_is_what_is_loaded(tmp_path: Path, memory_format: torch.memory_format) -> None:
    recipe = tiny_recipe(seed=5, g_hidden_layers=1, d_layers=3)
    G, D = networks(recipe)
    G(torch.randn(16, recipe.z_dim))  # BatchNorm statistics of its own
    for network in (G, D):
        network.to(memory_format=memory_format)  # type: ignore[call-overload]
    card = save_checkpoint(tmp_path / "c", G, D, training_record(recipe))

    loaded_G, loaded_D = load_all(tmp_path / "c")
    assert equal_weights(G, loaded_G)
    assert equal_weights(D, loaded_D)
    assert not loaded_G.training
    assert not loaded_D.training
    assert np.array_equal(draw(loaded_G, 0, 0, 16), draw(G.eval(), 0, 0, 16))
    assert card == read_card(tmp_path / "c") == verify_checkpoint(tmp_path / "c")
    assert card.recipe == recipe


def test_a_models_id_is_the_start_of_its_generators_digest(checkpoint: Path) -> None:
    assert read_card(checkpoint).model_id == sha256_of(checkpoint / GENERATOR)[:16]


def test_the_same_weights_have_the_same_id(tmp_path: Path) -> None:
    ids = [save_tiny(tmp_path / name, seed).model_id for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    assert ids[0] == ids[1] != ids[2]


def test_the_shipped_model_is_sound_and_draws() -> None:
    G, _ = load_all(PRETRAINED)
    pixels = draw(G, 0, 0, 4)
    assert pixels.min() == 0
    assert pixels.max() > 200


@pytest.mark.parametrize("position", [0, 300, -1])
@pytest.mark.parametrize("name", WEIGHTS)
def test_one_altered_byte_is_refused(checkpoint: Path, name: str, position: int) -> None:
    flip_byte(checkpoint / name, position)
    with pytest.raises(CheckpointError, match=rf"{name}: truncated or altered"):
        load_all(checkpoint)


@pytest.mark.parametrize("kept", [0, 7, 500, -1])
@pytest.mark.parametrize("name", WEIGHTS)
def test_truncated_weights_are_refused(checkpoint: Path, name: str, kept: int) -> None:
    path = checkpoint / name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=rf"{name}: truncated or altered"):
        load_all(checkpoint)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_all(checkpoint)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_a_files_place_is_refused(checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    (checkpoint / name).mkdir()
    with pytest.raises(CheckpointError, match=name):
        load_all(checkpoint)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=CARD):
        load_all(tmp_path / "none")


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("not a folder")
    with pytest.raises(CheckpointError, match=CARD):
        load_all(tmp_path / "c")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="half"),
        pytest.param(lambda data: b"x" + data[1:], id="altered byte"),
        pytest.param(lambda data: b"[]", id="no object"),
        pytest.param(lambda data: b"\xff" + data, id="not UTF-8"),
        pytest.param(lambda data: data.replace(b'"epoch":', b'"spoch":'), id="unknown field"),
        pytest.param(lambda data: data.replace(b'"epochs": 2', b'"epochs": 0'), id="recipe out of bounds"),
        pytest.param(lambda data: data.replace(b'"sha256":', b'"sha255":'), id="no digests"),
    ],
)
def test_a_malformed_card_is_refused(checkpoint: Path, damage: Callable[[bytes], bytes]) -> None:
    path = checkpoint / CARD
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=rf"{CARD}: not a checkpoint card"):
        load_all(checkpoint)


@pytest.mark.parametrize("names", [(*WEIGHTS, "extra.bin"), (*WEIGHTS, "../../x"), (GENERATOR,), ()], ids=str)
def test_a_card_of_other_files_is_refused(checkpoint: Path, names: tuple[str, ...]) -> None:
    (checkpoint / "extra.bin").write_bytes(b"")
    edit_card(checkpoint, sha256=dict.fromkeys(names, "0" * 64))
    with pytest.raises(CheckpointError, match=rf"{CARD}: sha256 must name"):
        load_all(checkpoint)


@pytest.mark.parametrize(
    ("knobs", "name"),
    [
        ({"g_filters": 5}, GENERATOR),
        ({"z_dim": 9}, GENERATOR),
        ({"g_hidden_layers": 1}, GENERATOR),
        ({"d_filters": 5}, DISCRIMINATOR),
        ({"d_layers": 1}, DISCRIMINATOR),
    ],
    ids=str,
)
def test_weights_of_another_recipe_are_refused(checkpoint: Path, knobs: dict[str, Any], name: str) -> None:
    edit_card(checkpoint, recipe=tiny_recipe(**knobs).model_dump())
    with pytest.raises(CheckpointError, match=rf"{name}: does not hold the weights that its recipe describes"):
        load_all(checkpoint)


def test_layers_with_names_of_before_are_refused(checkpoint: Path) -> None:
    for name, old in ((GENERATOR, {"up1": "up14", "up2": "up28"}), (DISCRIMINATOR, {"down1": "down14"})):
        tensors = load_file(checkpoint / name)
        renamed = {key.replace(layer := key.split(".")[0], old.get(layer, layer)): tensors[key] for key in tensors}
        save_file(renamed, checkpoint / name)
    sign(checkpoint)
    for load in (load_generator, load_discriminator):
        with pytest.raises(CheckpointError, match=r"names of a version before 0\.1\.0.*train the model again"):
            load(checkpoint)


def test_the_card_says_the_shape_of_the_images(checkpoint: Path) -> None:
    assert json.loads((checkpoint / CARD).read_bytes())["image_shape"] == {"side": 28, "channels": 1}
    edit_card(checkpoint, image_shape={"side": 64, "channels": 3})
    with pytest.raises(CheckpointError, match=r"does not hold the weights that its recipe describes"):
        load_generator(checkpoint)


@pytest.mark.parametrize(("side", "channels"), [(16, 1), (32, 3), (64, 3), (128, 1)])
def test_a_model_of_any_shape_is_loaded_with_its_classes(tmp_path: Path, side: int, channels: int) -> None:
    recipe = tiny_recipe(classes=2, d_layers=4)
    shape = ImageShape.model_validate({"side": side, "channels": channels})
    G, D = networks(recipe, shape=shape)
    of_set = {"image_shape": shape, "class_names": ["bag", "boot"], "class_shares": [0.25, 0.75]}
    save_checkpoint(tmp_path / "c", G, D, training_record(recipe).model_copy(update=of_set))
    loaded_G, loaded_D = load_all(tmp_path / "c")
    assert equal_weights(G, loaded_G)
    assert equal_weights(D, loaded_D)
    assert draw(loaded_G, 0, 0, 3).shape == (3, *shape.array)
    assert loaded_G.class_shares == [0.25, 0.75]
    assert read_card(tmp_path / "c").class_names == ["bag", "boot"]


@pytest.mark.parametrize("shares", [[0.5, 0.4], [1.0], [0.5, 0.25, 0.25], [1.5, -0.5], ["a", "b"]], ids=str)
def test_shares_that_are_none_of_its_classes_are_refused(tmp_path: Path, shares: list[Any]) -> None:
    save_tiny(tmp_path / "c", classes=2)
    edit_card(tmp_path / "c", class_shares=shares)
    with pytest.raises(CheckpointError, match="not a checkpoint card"):
        load_generator(tmp_path / "c")


class Bomb:
    """A pickle of it creates the file `path` when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


def test_a_pickle_with_the_right_digest_is_refused_unopened(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / GENERATOR).write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    sign(checkpoint)
    with pytest.raises(CheckpointError, match=rf"{GENERATOR}: does not hold"):
        load_all(checkpoint)
    assert not (tmp_path / "exploded").exists()


def test_a_checkpoint_is_a_card_and_two_safetensors_without_any_pickle(checkpoint: Path) -> None:
    assert {path.name for path in checkpoint.iterdir()} == set(FILES)
    json.loads((checkpoint / CARD).read_text())
    for name in WEIGHTS:
        data = (checkpoint / name).read_bytes()
        body = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:body])
        header.pop("__metadata__", None)
        assert max(tensor["data_offsets"][1] for tensor in header.values()) == len(data) - body
        assert {tensor["dtype"] for tensor in header.values()} <= {"F32", "I64"}


@pytest.mark.parametrize("size", [1000, 20_000])
def test_a_full_disk_leaves_nothing(tmp_path: Path, size: int) -> None:
    recipe = tiny_recipe(d_filters=30)  # D is the larger one: at 20,000 bytes G is written already
    with largest_file(size), pytest.raises(OSError, match="File too large"):
        save_checkpoint(tmp_path / "c", *networks(recipe), training_record(recipe))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("field", ["losses", "kimg"])
def test_a_card_that_json_could_not_carry_is_not_written(field: str) -> None:
    sound = dict(training_record(tiny_recipe()))
    with pytest.raises(ValidationError, match=field):
        TrainingRecord(**{**sound, field: nan if field == "kimg" else {"name": nan}})


def test_a_checkpoint_that_stands_is_not_overwritten(checkpoint: Path) -> None:
    before = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    with pytest.raises(FileExistsError):
        save_tiny(checkpoint, seed=1)
    assert {path.name: path.read_bytes() for path in checkpoint.iterdir()} == before
    assert list(checkpoint.parent.iterdir()) == [checkpoint]
