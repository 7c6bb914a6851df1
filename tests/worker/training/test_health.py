"""Runs that are broken on purpose, and the findings that they show. One sound run shows none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.run_dir import RunDir
from tests.imported import colourful, write_imported
from tests.tiny import digit_like, score_sheet, tiny_recipe, write_dataset
from tests.worker.training.running import run
from worker.training.data import EMBEDDED, Dataset, load_dataset
from worker.training.events import Event, Warned
from worker.training.health import Snapshot, checkering, contrast, diagnose, diagnose_labels, spread
from worker.training.loop import train
from worker.training.scorer import Scorer
from worker.training.task import Callbacks, Task

MNIST = EMBEDDED / "mnist"
SMALL: dict[str, Any] = {
    "dataset": "mnist",
    "num_images": 2560,
    "epochs": 4,
    "batch_size": 64,
    "lr_g": 2e-3,
    "lr_d": 2e-3,
    "classes": 10,
    "z_dim": 32,
    "g_filters": 8,
    "d_filters": 8,
    "d_norm": "batch",
    "dropout": 0.0,
}
BROKEN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "D takes five large steps for each small one of G": (
        {"d_steps": 5, "lr_d": 1e-2, "lr_g": 1e-5},
        {"d-overpowering", "grey-output"},
    ),
    "D hardly learns": (
        {"lr_d": 1e-6, "d_filters": 1, "d_layers": 1, "d_norm": "none"},
        {"d-too-weak", "checkerboard"},
    ),
    "rates of 1": ({"classes": 0, "lr_g": 1.0, "lr_d": 1.0}, {"collapse"}),
    "G hardly learns": ({"lr_g": 1e-9, "ema_half_life_kimg": 1.0}, {"stuck", "d-overpowering"}),
}


def warnings(run_dir: Path, dataset: Dataset, knobs: dict[str, Any], scored: bool = False) -> dict[str, Warned]:
    """The newest warning of each kind that a run gives."""
    events: list[Event] = []
    score = Scorer(MNIST, dataset).measure if scored else None
    recipe = tiny_recipe(**{**SMALL, **knobs})
    task = Task(recipe, dataset, RunDir(run_dir), torch.device("cpu"))
    train(task, Callbacks(events.append, lambda: False, score))
    return {event.kind: event for event in events if isinstance(event, Warned)}


@pytest.mark.parametrize(
    ("labels", "num_images", "classes", "words"),
    [
        ([0, 1, 2, 3] * 2, None, 7, ["none of the 8 images is of class 4 to 6: 3 of 7 classes", "set classes to 4"]),
        ([1, 2, 3, 4] * 2, None, 5, ["of class 0: 1 of 5", "number the labels from 0 without gaps"]),
        ([0, 2, 3, 7] * 2, None, 10, ["of class 1, 4 to 6, 8 to 9: 6 of 10", "number the labels from 0"]),
        (
            [0] * 4 + [1] * 4 + [3],
            8,
            4,
            ["none of the 8 images is of class 2 to 3", "leaves out images of 3, or shuffle"],
        ),
        ([0, 5] * 4, None, 1000, ["1 to 4, 6 to 999"]),
        (list(range(0, 200, 2)), None, 200, ["1, 3, 5, 7, 9, 11, 13, 15, 17, 19, ...: 100 of 200"]),
    ],
    ids=["too many", "from 1", "gaps", "cut off", "far too many", "many gaps"],
)
def test_classes_that_no_image_is_of_are_named_before_the_start(
    tmp_path: Path, labels: list[int], num_images: int | None, classes: int, words: list[str]
) -> None:
    write_dataset(tmp_path, digit_like(len(labels)), np.array(labels))
    (finding,) = diagnose_labels(load_dataset(tmp_path, num_images, classes), classes)
    assert finding.kind == "untrained-classes"
    assert all(word in f"{finding.detail}; {finding.hint}" for word in words)
    assert "/generate draws these as often as the others" in finding.hint


@pytest.mark.parametrize("classes", [0, 4])
def test_classes_that_all_have_images_are_no_sign(datasets: Path, classes: int) -> None:
    assert diagnose_labels(load_dataset(datasets / "tiny", None, classes), classes) == []


def test_a_run_warns_of_untrained_classes_and_goes_on(datasets: Path, tmp_path: Path) -> None:
    events = run(tiny_recipe(classes=6, epochs=1), datasets, tmp_path)
    (warned,) = [event for event in events if isinstance(event, Warned)]
    assert (warned.kind, warned.step) == ("untrained-classes", 0)
    assert "class 4 to 5" in warned.detail
    assert events[-1].event == "finished"


@pytest.mark.parametrize(("knobs", "kinds"), BROKEN.values(), ids=BROKEN)
def test_a_broken_run_shows_it(tmp_path: Path, knobs: dict[str, Any], kinds: set[str]) -> None:
    found = warnings(tmp_path, load_dataset(MNIST, SMALL["num_images"], knobs.get("classes", 10)), knobs)
    assert kinds <= set(found), found
    for kind in kinds:
        assert found[kind].step > 0
        assert found[kind].detail
        assert any(knob in found[kind].hint for knob in tiny_recipe().model_dump()), "names no knob"


def test_a_run_on_one_class_misses_the_others(tmp_path: Path) -> None:
    dataset = load_dataset(MNIST, None, 10)
    sevens = Dataset(dataset.images[dataset.labels == 7][: SMALL["num_images"]], None, dataset.sha256)
    found = warnings(tmp_path, sevens, {"classes": 0}, scored=True)
    assert "0.0% of the images" in found["missing-class"].detail
    assert "d-overpowering" not in found


def test_a_sound_run_shows_nothing(tmp_path: Path) -> None:
    knobs = {"num_images": 6400, "g_filters": 16}
    assert warnings(tmp_path, load_dataset(MNIST, 6400, 10), knobs, scored=True) == {}


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    return load_dataset(MNIST, 100).images


Change = Callable[[torch.Tensor], torch.Tensor]


@pytest.mark.parametrize(
    ("measure", "change", "factor"),
    [
        (contrast, lambda images: images // 4, 0.25),
        (spread, lambda images: images // 4, 0.25),
        (contrast, lambda images: torch.full_like(images, 128), 0.0),
        (spread, lambda images: images[:1].expand_as(images), 0.0),
        (contrast, lambda images: 255 - images, 1.0),
        (checkering, lambda images: images // 4, 1.0),
    ],
)
def test_a_measure_follows_the_pictures(
    digits: torch.Tensor, measure: Callable[[torch.Tensor], float], change: Change, factor: float
) -> None:
    assert measure(change(digits)) == pytest.approx(factor * measure(digits), rel=0.02, abs=1e-2)


def test_a_checkerboard_is_all_fine_pattern() -> None:
    y, x = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    board = ((y + x) % 2 * 255).to(torch.uint8).view(28, 28, 1).expand(4, 28, 28, 1)
    assert checkering(board) == pytest.approx(1.0)
    assert checkering((y % 2 * 255).to(torch.uint8).view(28, 28, 1).expand(4, 28, 28, 1)) == pytest.approx(1.0)
    assert checkering((y // 7 * 80).to(torch.uint8).view(28, 28, 1).expand(4, 28, 28, 1)) < 0.1


def board(side: int, grey_levels: int) -> torch.Tensor:
    """[side, side, 1], more and less bright from pixel to pixel."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return ((y + x) % 2 * 2 - 1).view(side, side, 1) * grey_levels


@pytest.mark.parametrize(("grey_levels", "kinds"), [(4, []), (12, ["checkerboard"])])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_pattern_that_nobody_sees_is_no_sign(channels: int, grey_levels: int, kinds: list[str]) -> None:
    """Smooth images have so little of it that four times as much is not visible."""
    torch.manual_seed(0)
    slopes = torch.rand(64, 2, 1, channels) * 6
    y, x = torch.linspace(0, 1, 64).view(1, 64, 1, 1), torch.linspace(0, 1, 64).view(1, 1, 64, 1)
    smooth = 128 + 100 * torch.sin(slopes[:, :1] * y + slopes[:, 1:] * x)
    real, drawn = smooth.to(torch.uint8), (smooth + board(64, grey_levels)).to(torch.uint8)
    assert checkering(drawn) > 4 * checkering(real)
    found = diagnose(Snapshot({"d_real": 0.6, "d_fake": 0.4}, drawn, None, real, 1.0, None))
    assert [finding.kind for finding in found] == kinds


def test_classes_that_are_cut_off_are_drawn_only_where_they_are_asked_for(tmp_path: Path) -> None:
    write_imported(tmp_path, colourful(20), [0] * 16 + [1] * 4, ("bag", "boot"))
    (finding,) = diagnose_labels(load_dataset(tmp_path, 16, 2), 2)
    assert "/generate draws these only where they are asked for" in finding.hint


def test_a_few_images_are_diagnosed_once_enough_were_shown(tmp_path: Path) -> None:
    """In an epoch of 2,000 images a G may stand still that is on its way."""
    write_imported(tmp_path / "own", colourful(500, 16, 1))
    stands_still: dict[str, Any] = {"lr_g": 1e-9, "lr_d": 1e-9, "ema_half_life_kimg": 1.0}
    recipe = tiny_recipe(dataset="own", epochs=12, passes=4, batch_size=250, d_filters=1, g_filters=1, **stands_still)
    events: list[Event] = []
    task = Task(recipe, load_dataset(tmp_path / "own"), RunDir(tmp_path / "run"), torch.device("cpu"))
    train(task, Callbacks(events.append, lambda: False))
    stuck = [event.step for event in events if isinstance(event, Warned) and event.kind == "stuck"]
    assert [step * recipe.images_per_step for step in stuck] == [10_000, 20_000]


def test_real_images_that_are_all_alike_are_no_error() -> None:
    white = torch.full((64, 28, 28, 1), 255, dtype=torch.uint8)
    means = {"d_real": 0.6, "d_fake": 0.4}
    assert diagnose(Snapshot(means, digits_of_noise(), None, white, 1.0, None))  # whatever it finds


@pytest.mark.parametrize(("rate", "kinds"), [(1.0, ["stuck"]), (0.1, [])])
def test_images_that_stand_still_are_a_sign_while_the_rate_is_high(
    digits: torch.Tensor, rate: float, kinds: list[str]
) -> None:
    snapshot = Snapshot({"d_real": 0.6, "d_fake": 0.4}, digits, digits, digits, rate, None)
    assert [finding.kind for finding in diagnose(snapshot)] == kinds


@pytest.mark.parametrize(
    ("memorised", "of_real", "is_sign"),
    [(0.2, 0.0, True), (0.06, None, True), (0.04, 0.0, False), (0.2, 0.18, False), (None, None, False)],
)
def test_more_copies_than_among_test_images_are_a_sign(
    digits: torch.Tensor, memorised: float | None, of_real: float | None, is_sign: bool
) -> None:
    sheet = score_sheet(memorised=memorised)
    sheet = sheet.model_copy(update={"floor": sheet.floor.model_copy(update={"memorised": of_real})})
    found = diagnose(Snapshot({"d_real": 0.6, "d_fake": 0.4}, digits, None, digits, 1.0, sheet))
    assert [finding.kind for finding in found] == (["memorised"] if is_sign else [])


@pytest.mark.parametrize(("classes", "smallest", "is_sign"), [(4, 0.03, False), (4, 0.02, True), (100, 0.002, False)])
def test_a_class_is_missing_by_its_share(digits: torch.Tensor, classes: int, smallest: float, is_sign: bool) -> None:
    sheet = score_sheet(smallest_class=smallest, class_coverage=[0.8] * classes)
    found = diagnose(Snapshot({"d_real": 0.6, "d_fake": 0.4}, digits, None, digits, 1.0, sheet))
    assert [finding.kind for finding in found] == (["missing-class"] if is_sign else [])


def digits_of_noise() -> torch.Tensor:
    return torch.randint(256, (64, 28, 28, 1), dtype=torch.uint8)
