"""The judge of an imported data set, trained by the first run on it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.files import TEMPORARY_PREFIX
from models.judge import FOLDER, WEIGHTS, load_judge, read_judge_card
from tests.imported import write_imported
from worker.training.data import load_dataset
from worker.training.errors import BadData
from worker.training.events import Event, Judging
from worker.training.judging import StoppedWhileJudging, epochs_for, prepare_judge, wants_judge
from worker.training.scorer import has_judge

NAMES = ("left", "right", "both")
TRAIN, TEST = 1100, 60


def sides(n: int, seed: int = 0, side: int = 16) -> tuple[np.ndarray, list[int]]:
    """Colour images of three classes, half of them of the first: noise on the left, on the right, or all over."""
    rng = np.random.default_rng(seed)
    images = rng.integers(256, size=(n, side, side, 3), dtype=np.uint8)
    labels = [[0, 0, 1, 2][k % 4] for k in range(n)]
    for image, label in zip(images, labels, strict=True):
        if label < 2:
            half = slice(side // 2, None) if label == 0 else slice(None, side // 2)
            image[:, half] = 0
    return images, labels


@pytest.fixture(autouse=True)
def _few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.training.judging.EPOCHS", range(1, 5))
    monkeypatch.setattr("worker.training.judging.IMAGES", 3 * TRAIN)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, list[int]]:
    return sides(TRAIN + TEST)


@pytest.fixture
def folder(tmp_path: Path, source: tuple[np.ndarray, list[int]]) -> Path:
    write_imported(tmp_path / "own", *source, NAMES, train=TRAIN)
    return tmp_path / "own"


def prepared(folder: Path, should_stop: Callable[[], bool] = lambda: False) -> list[Event]:
    events: list[Event] = []
    prepare_judge(folder, events.append, should_stop)
    return events


def test_the_first_run_on_a_labelled_data_set_trains_its_judge_and_says_so(folder: Path) -> None:
    first, *_, last = prepared(folder)
    card = read_judge_card(folder / FOLDER)
    assert isinstance(first, Judging)
    assert (first.epoch, first.epochs, first.judge) == (1, 3, None)
    assert isinstance(last, Judging)
    assert (last.judge, last.accuracy) == (card.judge_id, card.accuracy)
    assert card.accuracy > 0.95
    assert (card.classes, card.image_shape.array) == (3, (16, 16, 3))
    assert card.dataset_sha256 == load_dataset(folder).sha256
    assert card.class_shares == pytest.approx([0.5, 0.25, 0.25])
    assert card.floor.label_kl == pytest.approx(0, abs=0.01)  # beside its own shares
    assert card.floor.kid_error is not None
    _, logits = load_judge(folder / FOLDER)(load_dataset(folder).images[:4])
    assert logits.argmax(1).tolist() == [0, 0, 1, 2]


def test_a_data_set_with_a_judge_keeps_it(folder: Path) -> None:
    prepared(folder)
    before = (folder / FOLDER / WEIGHTS).stat().st_ino
    assert prepared(folder) == []
    assert (folder / FOLDER / WEIGHTS).stat().st_ino == before


def test_a_judge_is_a_function_of_its_data_set(
    folder: Path, tmp_path: Path, source: tuple[np.ndarray, list[int]]
) -> None:
    prepared(folder)
    write_imported(tmp_path / "again", *source, NAMES, train=TRAIN)
    torch.manual_seed(99)
    prepared(tmp_path / "again")
    ids = {read_judge_card(one / FOLDER).judge_id for one in (folder, tmp_path / "again")}
    assert len(ids) == 1


def test_a_run_that_is_stopped_meanwhile_leaves_nothing(folder: Path) -> None:
    with pytest.raises(StoppedWhileJudging):
        prepared(folder, should_stop=lambda: True)
    assert not has_judge(folder)
    assert not list(folder.glob(f"{TEMPORARY_PREFIX}*"))
    prepared(folder)
    assert has_judge(folder)


def test_the_judge_of_another_run_that_is_ready_first_is_kept(folder: Path) -> None:
    asked = 0

    def another_is_ready() -> bool:
        nonlocal asked
        asked += 1
        if asked == 3:
            prepared(folder)
        return False

    last = prepared(folder, another_is_ready)[-1]
    assert isinstance(last, Judging)
    assert last.judge == read_judge_card(folder / FOLDER).judge_id


@pytest.mark.parametrize(
    ("labels", "train", "why"),
    [
        (None, TRAIN, "no labels"),
        ([0] * (TRAIN + TEST), TRAIN, "one class has images"),
        ([0, 0, 1, 2] * 290, 980, "few images"),
        ([0, 1] * 580, TRAIN, "a class without images"),
        (([0] * 30 + [1, 2] * 1000)[:TRAIN] + [0, 1, 2] * 20, TRAIN, "few of a class"),
        (([0, 1, 2] * 1000)[:TRAIN] + [0, 1] * 30, TRAIN, "no test image of a class"),
        (([0, 1, 2] * 1000)[: TRAIN + TEST], TRAIN + TEST - 5, "few test images"),
        (([0, 1, 2] * 1000)[: TRAIN + TEST], TRAIN + TEST, "no test images"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_data_set_without_enough_labels_gets_none(
    tmp_path: Path, source: tuple[np.ndarray, list[int]], labels: list[int] | None, train: int, why: str
) -> None:
    card = write_imported(tmp_path / "own", source[0], labels, NAMES if labels else (), train=train)
    assert not wants_judge(card)
    assert prepared(tmp_path / "own") == []
    assert not has_judge(tmp_path / "own")


def test_a_large_data_set_is_shown_to_its_judge_fewer_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert [epochs_for(images) for images in (1000, 20_000, 60_000, 1_000_000)] == [60, 30, 10, 6]


def test_a_damaged_data_set_is_bad_data(folder: Path) -> None:
    (folder / "card.json").write_text("{")
    with pytest.raises(BadData, match=r"card\.json"):
        prepared(folder)


def test_a_folder_of_idx_files_gets_none(datasets: Path) -> None:
    assert prepared(datasets / "tiny") == []
