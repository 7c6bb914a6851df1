import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.checkpoint import load_generator
from models.sampling import draw, draw_latents, latents
from models.shelf import PRETRAINED
from models.walk import slerp, truncated, walk


def random_rows(seed: int, n: int, z_dim: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, z_dim)).astype(np.float32)


@given(st.integers(0, 1000), st.integers(1, 100), st.floats(0, 1))
def test_every_point_of_a_walk_lies_in_the_plane_of_its_ends_at_its_share_of_the_angle(
    seed: int, z_dim: int, t: float
) -> None:
    a, b = random_rows(seed, 3, z_dim), random_rows(seed + 5000, 3, z_dim)
    b *= np.linalg.norm(a, axis=1, keepdims=True) / np.linalg.norm(b, axis=1, keepdims=True)
    for start, end, point in zip(a, b, slerp(a, b, t), strict=True):
        length = np.linalg.norm(start)
        angle = np.arccos(np.clip(start @ end / length**2, -1, 1))
        if 0.01 < angle < 3.13:
            assert np.linalg.norm(point) == pytest.approx(length, rel=1e-3)
            assert np.arccos(np.clip(start @ point / length**2, -1, 1)) == pytest.approx(t * angle, abs=5e-3)
            assert np.arccos(np.clip(end @ point / length**2, -1, 1)) == pytest.approx((1 - t) * angle, abs=5e-3)
        assert np.isfinite(point).all()


@given(st.integers(0, 1000), st.integers(1, 100))
def test_a_walk_begins_and_ends_at_its_ends_to_the_last_bit(seed: int, z_dim: int) -> None:
    a, b = random_rows(seed, 3, z_dim), random_rows(seed + 5000, 3, z_dim)
    assert slerp(a, b, 0.0).tobytes() == a.tobytes()
    assert slerp(a, b, 1.0).tobytes() == b.tobytes()


def test_between_latents_on_one_line_the_way_is_straight() -> None:
    a = np.array([[1.0, 0.0], [1.0, 2.0]], dtype=np.float32)
    b = np.array([[-1.0, 0.0], [2.0, 4.0]], dtype=np.float32)
    assert slerp(a, b, 0.25).tolist() == [[0.5, 0.0], [1.25, 2.5]]


@pytest.mark.parametrize("wanted", [None, [7, 1]])
def test_a_walk_keeps_the_class_and_moves_z_from_the_one_seed_to_the_other(wanted: list[int] | None) -> None:
    rows = walk((3, 9), 5, 2, 4, 8, 10, wanted).reshape(5, 4, 18)
    first, last = (latents(seed, 2, 4, 8, 10, wanted) for seed in (3, 9))
    assert torch.equal(rows[0], first)
    assert torch.equal(rows[4, :, :8], last[:, :8])
    assert all(torch.equal(frame[:, 8:], first[:, 8:]) for frame in rows)
    steps = (rows[1:, :, :8] - rows[:-1, :, :8]).norm(dim=2)
    assert (steps > 0.3).all()
    assert torch.equal(rows[:, 1], walk((3, 9), 5, 3, 1, 8, 10, wanted))  # by itself the same


def test_truncation_scales_z_and_leaves_the_class() -> None:
    rows = latents(3, 0, 4, 8, 10)
    half = truncated(rows, 8, 0.5)
    assert torch.equal(half[:, :8], rows[:, :8] / 2)
    assert torch.equal(half[:, 8:], rows[:, 8:])
    assert torch.equal(truncated(rows, 8, 1.0), rows)


def test_latents_of_a_seed_draw_its_images() -> None:
    G = load_generator(PRETRAINED)
    rows = latents(7, 3, 20, G.z_dim, G.classes)
    assert np.array_equal(draw_latents(G, rows), draw(G, 7, 3, 20))
    assert np.array_equal(draw_latents(G, rows[5:6]), draw(G, 7, 8, 1))
