"""The recipe that is proposed for a data set, and how long it takes."""

from typing import Any

import pytest

from core.cost import minutes, multiply_adds
from core.image_shape import GREY_28, ImageShape
from core.recipe import PRESETS, Recipe, with_preset
from worker.importing.propose import propose

GREY_64, RGB_32, RGB_64 = (
    ImageShape(side=64, channels=1),
    ImageShape(side=32, channels=3),
    ImageShape(side=64, channels=3),
)


@pytest.mark.parametrize(
    ("shape", "train", "classes", "recipe"),
    [
        (GREY_28, 60_000, 10, {}),
        (GREY_28, 60_000, 0, {"classes": 0}),
        (GREY_28, 112_800, 47, {"classes": 47, "epochs": 11}),
        (RGB_32, 50_000, 10, {"epochs": 24}),
        (RGB_32, 5_000, 10, {"passes": 2, "epochs": 120}),
        (RGB_32, 4_000, 10, {"passes": 2, "epochs": 150, "classes": 0}),
        (RGB_64, 20_000, 0, {"classes": 0, "epochs": 60, "d_layers": 4, "g_filters": 32}),
        (
            RGB_32,
            435,
            0,
            {"classes": 0, "batch_size": 16, "passes": 23, "epochs": 30, "augment": "diffaugment", "patience": 15},
        ),
    ],
)
def test_the_recipe_fits_the_images(shape: ImageShape, train: int, classes: int, recipe: dict[str, Any]) -> None:
    proposal = propose(shape, train, classes)
    assert proposal.recipe == recipe
    assert proposal.reasons.keys() == recipe.keys()
    Recipe(**with_preset("quality", proposal.recipe))


@pytest.mark.parametrize("train", [14, 100, 1_999, 2_000, 9_999, 10_000, 1_000_000])
def test_a_batch_is_no_more_than_all_images_and_the_budget_is_in_images_shown(train: int) -> None:
    recipe = propose(RGB_32, train, 0).recipe
    assert recipe.get("batch_size", 64) <= train
    shown = recipe.get("passes", 1) * recipe["epochs"] * train
    assert shown == pytest.approx(300_000 if train < 2_000 else 1_200_000, rel=0.2)


@pytest.mark.parametrize(
    ("shape", "g_filters", "d_layers", "millions"),
    [(GREY_28, 64, 3, 140), (RGB_32, 64, 3, 175), (RGB_64, 32, 4, 841), (RGB_64, 64, 4, 1087)],
)
def test_the_work_of_a_step_is_as_counted_in_the_networks(
    shape: ImageShape, g_filters: int, d_layers: int, millions: float
) -> None:
    assert multiply_adds(shape, g_filters, 32, d_layers, 100) == pytest.approx(millions * 1e6, rel=0.1)


def test_the_time_of_quality_on_mnist_is_as_measured() -> None:
    assert propose(GREY_28, 60_000, PRESETS["quality"].classes).minutes == pytest.approx(15, abs=1)


def test_small_batches_take_longer() -> None:
    small, large = (minutes(1.4e8, 300, batch_size) for batch_size in (32, 64))
    assert small > large
    assert minutes(1.4e8, 300, 16) == small
