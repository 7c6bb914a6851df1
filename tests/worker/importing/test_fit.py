from typing import get_args

import numpy as np
import pytest

from core.import_options import Fit
from worker.importing.fit import fitted

FITS: list[Fit] = list(get_args(Fit))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(28, 28), (56, 56), (9, 5), (300, 40), (1, 1), (1, 700), (37, 36)])
def test_any_image_becomes_a_square(size: tuple[int, int], fit: Fit, channels: int) -> None:
    made = fitted(noise(*size, channels), 28, fit)
    assert made.shape == (28, 28, channels)
    assert made.dtype == np.uint8


def test_an_image_of_the_right_size_stays_as_it_is() -> None:
    pixels = noise(28, 28, 4)
    for fit in FITS:
        assert (fitted(pixels, 28, fit) == pixels).all()


def test_a_multiple_of_the_size_becomes_the_means() -> None:
    pixels = noise(56, 56, 1)
    means = pixels.reshape(28, 2, 28, 2).mean(axis=(1, 3))
    assert np.abs(fitted(pixels, 28, "pad")[..., 0] - means).max() <= 0.5


def test_stripes_that_a_smaller_image_cannot_hold_become_grey() -> None:
    pixels = np.zeros((100, 100, 1), np.uint8)
    pixels[:, ::2] = 255
    inner = fitted(pixels, 30, "pad")[2:-2, 2:-2]
    assert np.abs(inner.astype(float) - 127.5).max() < 12


def test_padding_has_the_colour_of_the_outline_and_crop_takes_the_middle() -> None:
    wide = np.full((10, 30, 3), (9, 8, 7), np.uint8)
    wide[4:6, 12:18] = 255
    padded = fitted(wide, 30, "pad")
    assert (padded[10:20] == wide).all()
    assert (padded[:10] == (9, 8, 7)).all()
    assert (padded[20:] == (9, 8, 7)).all()
    assert (fitted(wide, 10, "crop") == wide[:, 10:20]).all()


def test_padding_is_transparent_where_the_outline_is() -> None:
    icon = np.zeros((10, 20, 4), np.uint8)
    icon[2:8, 2:18] = 255
    assert (fitted(icon, 20, "pad")[:5, :, 3] == 0).all()


def test_the_colour_of_what_cannot_be_seen_does_not_bleed_in() -> None:
    icon = np.zeros((64, 64, 4), np.uint8)
    icon[..., 1] = 255  # green, and transparent
    icon[20:44, 20:44] = (255, 0, 0, 255)
    small = fitted(icon, 28, "pad")
    seen = small[small[..., 3] > 0]
    assert seen[:, 0].min() >= 250
    assert seen[:, 1].max() <= 5
