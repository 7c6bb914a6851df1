"""The nearest images are those of a search that looks at each difference by itself."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import neighbours
from models.neighbours import Neighbourhood


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([(5, 5, 1), (4, 4, 3)]), st.integers(1, 8))
def test_the_nearest_are_exact(seed: int, n: int, shape: tuple[int, int, int], k: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.choice(np.array([0, 128, 255], np.uint8), (n, *shape))
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    squared = ((images.astype(int) - image) ** 2).sum((1, 2, 3))
    expected = sorted(range(n), key=lambda number: (squared[number], number))[:k]
    numbers, distances = Neighbourhood(images).nearest(image, k)
    assert numbers.tolist() == expected
    assert distances.tolist() == squared[expected].tolist()


def test_chunks_and_files_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 6, 6, 3), dtype=np.uint8)
    whole = Neighbourhood(images)
    np.save(tmp_path / "images.npy", images)
    mapped = Neighbourhood(np.load(tmp_path / "images.npy", mmap_mode="r"))
    monkeypatch.setattr(neighbours, "CHUNK_BYTES", 8 * 108 * 7)
    for image in images[:5]:
        for other in (mapped, Neighbourhood(images)):
            assert [one.tolist() for one in other.nearest(image, 9)] == [
                one.tolist() for one in whole.nearest(image, 9)
            ]
    assert mapped.typical(images) == whole.typical(images) == 0
    assert mapped.nbytes < whole.nbytes


def test_what_is_typical_is_a_median_in_grey_values() -> None:
    images = np.zeros((3, 4, 4, 1), np.uint8)
    others = np.stack([np.full((4, 4, 1), value, np.uint8) for value in (10, 30, 255)])
    assert Neighbourhood(images).typical(others) == 30
    assert Neighbourhood(images).typical(others[:0]) is None
    assert Neighbourhood(images).root_mean_square(16 * 255**2) == 255
