"""Scores through the real judge, and through one that is trained here."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.checkpoint import load_generator
from models.judge import FOLDER, JUDGE_CARD, REFERENCE, load_judge, read_judge_card
from models.shelf import PRETRAINED
from tests.tiny import flip_byte, networks, tiny_recipe, write_dataset
from worker.training import judge as command
from worker.training.data import EMBEDDED, load_dataset
from worker.training.errors import BadData
from worker.training.scoring import Reference, Scorer, has_judge, read

MNIST = EMBEDDED / "mnist"


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(MNIST, load_dataset(MNIST, num_images=2000))


def test_the_shipped_model_is_close_and_an_untrained_one_is_far(scorer: Scorer) -> None:
    shipped = scorer.score(load_generator(PRETRAINED))
    assert shipped.frechet_over_floor < 9
    assert shipped.smallest_class > 0.085
    assert shipped.class_accuracy is not None
    assert shipped.class_accuracy > 0.98
    assert shipped.nearest == pytest.approx(1, abs=0.2)  # as far from the training images as test images are
    assert shipped.images == 10_000
    assert shipped.judge == read_judge_card(MNIST / FOLDER).judge_id

    G, _ = networks(tiny_recipe())
    untrained = scorer.score(G.eval())
    assert untrained.frechet_over_floor > 100
    assert untrained.coverage < 0.01
    assert untrained.class_accuracy is None


def test_the_same_generator_has_the_same_scores(scorer: Scorer) -> None:
    G, _ = networks(tiny_recipe(classes=10))
    G.eval()
    assert scorer.score(G) == scorer.score(G)
    assert scorer.score(G).frechet_digits != scorer.score(G, seed=1).frechet_digits


def test_the_floor_is_the_score_of_training_images() -> None:
    card, judge = read_judge_card(MNIST / FOLDER), load_judge(MNIST / FOLDER)
    test, train = load_dataset(MNIST, None, 10, "t10k"), load_dataset(MNIST, 10_000, 10)
    assert test.labels is not None
    floor = Reference.of(read(judge, test.images)[0], test.labels).score(*read(judge, train.images))
    assert floor.frechet_digits == pytest.approx(card.floor.frechet_digits, rel=1e-3)
    assert floor.coverage == pytest.approx(card.floor.coverage, abs=1e-3)
    assert floor.density == pytest.approx(card.floor.density, abs=1e-3)


CORNERS = [(2, 2), (2, 16), (16, 2), (16, 16)]


def corners(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of four classes: a random blob in one of four corners."""
    labels = np.arange(n) % 4
    blobs = np.random.default_rng(seed).integers(100, 256, size=(n, 10, 10), dtype=np.uint8)
    images = np.zeros((n, 28, 28), dtype=np.uint8)
    for image, label, blob in zip(images, labels, blobs, strict=True):
        y, x = CORNERS[label]
        image[y : y + 10, x : x + 10] = blob
    return images, labels


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of one's own, with the judge that the command trains for it."""
    folder = write_dataset(tmp_path_factory.mktemp("datasets") / "corners", *corners(512, 0))
    write_dataset(folder, *corners(120, 1), split="t10k")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["judge", str(folder), "--classes", "4", "--epochs", "12"])
        assert command.main() == 0
    return folder


def test_a_data_set_of_ones_own_gets_a_judge_and_scores(judged: Path) -> None:
    card = read_judge_card(judged / FOLDER)
    assert card.classes == 4
    assert card.accuracy == 1.0
    assert card.floor.smallest_class == pytest.approx(0.25)
    dataset = load_dataset(judged, classes=4)
    assert card.dataset_sha256 == dataset.sha256
    G, _ = networks(tiny_recipe(classes=4))
    sheet = Scorer(judged, dataset).score(G.eval())
    assert sheet.images == 120
    assert len(sheet.class_coverage) == 4
    assert sheet.class_accuracy is not None
    assert sheet.frechet_digits > card.floor.frechet_digits


def test_a_judge_is_not_trained_over(
    judged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (judged / FOLDER / JUDGE_CARD).read_bytes()
    monkeypatch.setattr("sys.argv", ["judge", str(judged)])
    assert command.main() == 2
    assert "exists; its scores would no longer mean the same" in capsys.readouterr().err
    assert (judged / FOLDER / JUDGE_CARD).read_bytes() == before


def test_a_data_set_without_a_test_split_gets_no_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dataset(tmp_path / "own", *corners(256, 0))
    monkeypatch.setattr("sys.argv", ["judge", str(folder)])
    assert command.main() == 1
    assert "t10k-images-idx3-ubyte: no such file" in capsys.readouterr().err
    assert not has_judge(folder)


@pytest.mark.parametrize("name", [REFERENCE, JUDGE_CARD])
def test_a_damaged_judge_is_bad_data(judged: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(judged, tmp_path / "corners")
    flip_byte(folder / FOLDER / name, 0)
    with pytest.raises(BadData, match=name):
        Scorer(folder, load_dataset(folder))
