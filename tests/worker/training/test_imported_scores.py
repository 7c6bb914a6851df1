"""Scores of imported data sets, which need no labels and not many images."""

from math import isfinite
from pathlib import Path

import numpy as np
import pytest

from core.dataset_card import FLOOR
from core.image_shape import ImageShape
from core.scores import Floor
from models.dcgan import Generator
from tests.imported import colourful, write_imported
from tests.tiny import networks, tiny_recipe
from worker.training.data import load_dataset
from worker.training.errors import BadData
from worker.training.reference import ENOUGH
from worker.training.scorer import PAIRS, Scorer, can_be_scored

COLOUR_32 = ImageShape(side=32, channels=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("datasets") / "own"
    write_imported(folder, colourful(440), train=400)
    return folder


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Scorer:
    return Scorer(folder, load_dataset(folder))


@pytest.fixture(scope="module")
def untrained() -> Generator:
    G, _ = networks(tiny_recipe(), shape=COLOUR_32)
    return G.eval()


def test_images_without_labels_are_compared_by_kid(scorer: Scorer, untrained: Generator) -> None:
    sheet = scorer.score(untrained)
    assert sheet.compared_by == "kid"
    assert sheet.compared == sheet.kid
    assert (sheet.images, sheet.drawn) == (40, 1000)  # 40 at a time, as many as there are test images
    assert (sheet.class_score, sheet.class_shares, sheet.label_kl, sheet.class_coverage) == (None,) * 4
    assert sheet.nearest is not None
    assert sheet.memorised == 0.0
    assert sheet.floor.memorised is not None
    assert sheet.floor.memorised <= 0.05


def test_the_floor_is_far_below_an_untrained_generator(scorer: Scorer, untrained: Generator) -> None:
    sheet, floor = scorer.score(untrained), scorer.score(untrained).floor
    assert sheet.kid is not None
    assert floor.kid is not None
    assert floor.kid_error is not None
    assert floor.vendi is not None
    assert sheet.vendi is not None
    assert abs(floor.kid) < 4 * floor.kid_error + 0.1
    assert sheet.kid > 10 * abs(floor.kid)
    assert floor.coverage > 0.7 > 0.3 > sheet.coverage
    assert sheet.vendi < floor.vendi / 2


def test_the_floor_is_beside_the_images_to_be_looked_at(folder: Path, scorer: Scorer, untrained: Generator) -> None:
    written = Floor.model_validate_json((folder / FLOOR).read_bytes())
    assert written == scorer.floor
    sheet = scorer.score(untrained)
    assert (written.scores, written.judge, written.compared_by) == (sheet.floor, sheet.judge, "kid")


def test_a_run_on_some_of_the_images_leaves_the_floor_of_all(tmp_path: Path) -> None:
    write_imported(tmp_path, colourful(96), train=56)
    for images, memorised in ((10, None), (None, pytest.approx(0.05, abs=0.05)), (10, pytest.approx(0.05, abs=0.05))):
        Scorer(tmp_path, load_dataset(tmp_path, images))
        assert Floor.model_validate_json((tmp_path / FLOOR).read_bytes()).scores.memorised == memorised


def test_the_same_generator_has_the_same_scores(folder: Path, scorer: Scorer, untrained: Generator) -> None:
    assert Scorer(folder, load_dataset(folder)).score(untrained) == scorer.score(untrained)


def test_the_closest_pairs_are_drawn_images_beside_training_images(
    folder: Path, scorer: Scorer, untrained: Generator
) -> None:
    pairs = scorer.measure(untrained).closest_pairs
    assert pairs.shape == (2 * PAIRS, 32, 32, 3)
    train = load_dataset(folder).images
    assert all(bool((image == train).flatten(1).all(1).any()) for image in pairs[1::2])
    assert not any(bool((image == train).flatten(1).all(1).any()) for image in pairs[::2])


@pytest.mark.parametrize(("train", "n"), [(16, 8), (70, 35)])
def test_without_test_images_one_half_of_the_training_images_is_compared_with(
    tmp_path: Path, untrained: Generator, train: int, n: int
) -> None:
    write_imported(tmp_path, colourful(train + 5), train=train)  # five test images are too few
    sheet = Scorer(tmp_path, load_dataset(tmp_path)).score(untrained)
    assert sheet.images == n
    assert sheet.drawn is not None
    assert ENOUGH <= sheet.drawn < ENOUGH + n
    write_imported(tmp_path, colourful(train))
    alone = Scorer(tmp_path, load_dataset(tmp_path)).score(untrained)
    assert alone.kid == pytest.approx(sheet.kid)
    assert (alone.nearest, alone.floor.memorised) == (None, None)
    assert alone.judge != sheet.judge  # another data set


def test_scores_are_taken_the_more_often_the_fewer_images_they_take(folder: Path, tmp_path: Path) -> None:
    write_imported(tmp_path, np.repeat(colourful(1, 16, 1), 5200, 0), train=200)
    scorers = [Scorer(one, load_dataset(one)) for one in (folder, tmp_path)]
    assert [scorer.score_every for scorer in scorers] == [10_000, 50_000]


def test_all_but_folders_of_idx_files_without_a_judge_can_be_scored(folder: Path, datasets: Path) -> None:
    assert can_be_scored(folder)
    assert not can_be_scored(datasets / "tiny")


def test_a_damaged_data_set_is_bad_data(tmp_path: Path) -> None:
    write_imported(tmp_path, colourful(50), train=40)
    dataset = load_dataset(tmp_path)
    (tmp_path / "images.npy").write_bytes(b"x")
    with pytest.raises(BadData, match=r"images\.npy"):
        Scorer(tmp_path, dataset)


def test_images_that_are_all_alike_have_finite_scores(tmp_path: Path, untrained: Generator) -> None:
    write_imported(tmp_path, np.full((60, 32, 32, 3), 7, np.uint8), train=20)
    sheet = Scorer(tmp_path, load_dataset(tmp_path)).score(untrained)
    assert all(map(isfinite, (sheet.compared, sheet.frechet, sheet.density)))
