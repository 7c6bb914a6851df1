"""Images that are the same as others, or nearly so, whatever the order in which they came."""

import io

import numpy as np
import pytest
from PIL import Image

from core.image_shape import ImageShape
from tests.worker.importing.assembling import noise
from worker.importing.fingerprints import Fingerprints
from worker.importing.likeness import first_of_equals, near_pairs


def pairs_of(images: np.ndarray) -> set[tuple[int, int]]:
    prints = Fingerprints(ImageShape.model_validate({"side": images.shape[1], "channels": images.shape[3]}))
    prints.add(images)
    return set(near_pairs(np.arange(len(images)), prints.hashes, prints.light, lambda places: images[places]))


def scene(seed: int, channels: int = 3) -> np.ndarray:
    """A smooth picture of 32x32, as photographs are."""
    small = Image.fromarray(noise((6, 6, 3), seed)).resize((32, 32), Image.Resampling.BICUBIC)
    return np.asarray(small)[..., :channels]


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("quality", [85, 95])
def test_a_picture_saved_again_is_nearly_the_same(quality: int) -> None:
    scenes = [scene(k) for k in range(20)]
    found = pairs_of(np.stack([*scenes, *(as_jpeg(one, quality) for one in scenes)]))
    assert found <= {(k, k + 20) for k in range(20)}
    assert len(found) >= 15


def test_a_picture_in_other_colours_is_another() -> None:
    assert pairs_of(np.stack([scene(0), scene(0)[..., ::-1]])) == set()


def test_other_pictures_are_not() -> None:
    assert pairs_of(np.stack([scene(k) for k in range(200)])) == set()


def test_strokes_in_different_places_are_not_the_same() -> None:
    images = np.zeros((24, 28, 28, 1), np.uint8)
    for k in range(24):
        images[k, 4:24, 2 + k, 0] = 255
    assert pairs_of(images) == set()


def test_each_pair_is_told_once_and_order_does_not_matter() -> None:
    images = np.stack([scene(k) for k in (0, 1, 2)] * 2)
    images[3:, 0, 0] ^= 1
    assert pairs_of(images) == {(0, 3), (1, 4), (2, 5)}
    assert pairs_of(images[::-1]) == {(0, 3), (1, 4), (2, 5)}


def test_of_equals_the_preferred_stands_for_all() -> None:
    digests = np.array([[1, 1, 1, 1], [1, 1, 1, 2], [1, 1, 1, 1], [1, 1, 1, 1]], np.uint64)
    preference = np.array([[1, 0], [0, 1], [0, 3], [0, 2]])
    assert first_of_equals(digests, preference).tolist() == [3, 1, 3, 3]
