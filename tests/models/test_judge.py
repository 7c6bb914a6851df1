import json
import shutil
from pathlib import Path
from typing import Literal

import pytest
import torch

from core.errors import CheckpointError
from core.image_shape import ImageShape
from models.judge import FOLDER, JUDGE_CARD, WEIGHTS, Judge, load_judge, read_judge_card
from tests.tiny import flip_byte
from worker.training.data import EMBEDDED, load_dataset
from worker.training.reference import read

MNIST = EMBEDDED / "mnist"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(MNIST / FOLDER, tmp_path / FOLDER)
    return tmp_path / FOLDER


def test_the_shipped_judge_reads_the_test_images_as_well_as_its_card_says() -> None:
    test = load_dataset(MNIST, classes=10, split="t10k")
    assert test.labels is not None
    features, logits = read(load_judge(MNIST / FOLDER), test.images)
    accuracy = float((logits.argmax(1) == test.labels).double().mean())
    assert accuracy == pytest.approx(read_judge_card(MNIST / FOLDER).accuracy, abs=2e-4)
    assert accuracy >= 0.992
    assert features.shape == (10_000, 64)


def test_a_judge_is_frozen_and_reads_each_image_by_itself() -> None:
    judge = load_judge(MNIST / FOLDER)
    assert not judge.training
    assert not any(parameter.requires_grad for parameter in judge.parameters())
    pixels = torch.randint(256, (20, 28, 28, 1), dtype=torch.uint8)
    together, alone = read(judge, pixels)[1], read(judge, pixels[7:8])[1]
    assert torch.allclose(together[7:8], alone, atol=1e-4)


@pytest.mark.parametrize(
    ("side", "channels", "parameters"), [(28, 1, 254_650), (32, 3, 317_690), (64, 3, 329_322)], ids=str
)
def test_its_shape_and_classes_are_those_of_its_data_set(side: int, channels: Literal[1, 3], parameters: int) -> None:
    shape = ImageShape(side=side, channels=channels)
    judge = Judge(26, shape).eval()
    pixels = torch.randint(256, (3, *shape.array), dtype=torch.uint8)
    features, logits = read(judge, pixels)
    assert (features.shape, logits.shape) == ((3, 64), (3, 26))
    assert sum(tensor.numel() for tensor in judge.parameters()) == parameters
    if channels == 3:
        assert not torch.allclose(logits, read(judge, pixels.flip(3))[1])


@pytest.mark.parametrize("name", [WEIGHTS, JUDGE_CARD])
def test_a_damaged_judge_is_refused(copied: Path, name: str) -> None:
    flip_byte(copied / name, 0)
    with pytest.raises(CheckpointError, match=name):
        load_judge(copied)


def test_a_judge_without_its_weights_is_refused(copied: Path) -> None:
    (copied / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match=f"{WEIGHTS}: cannot be read"):
        load_judge(copied)
    with pytest.raises(CheckpointError, match="No such file"):
        load_judge(copied.parent / "nowhere")


def test_a_card_without_digests_is_refused(copied: Path) -> None:
    card = json.loads((copied / JUDGE_CARD).read_bytes())
    for digests in ({}, {WEIGHTS: "0" * 64}, {**card["sha256"], "more": "0" * 64}):
        (copied / JUDGE_CARD).write_text(json.dumps({**card, "sha256": digests}))
        with pytest.raises(CheckpointError, match="sha256 must name"):
            read_judge_card(copied)
