import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.plane import LAST_X, LAST_Y, UNIT, Point, latents_at
from models.sampling import latents

xs, ys = st.integers(0, LAST_X * UNIT), st.integers(0, LAST_Y * UNIT)
points = st.builds(Point, xs, ys)


@given(points)
def test_the_weights_of_the_seeds_around_are_those_of_a_bilinear_mix(point: Point) -> None:
    corners = point.corners
    assert sum(weight for _, weight in corners) == UNIT * UNIT
    assert all(0 <= seed <= LAST_X + 1000 * LAST_Y and weight > 0 for seed, weight in corners)
    places = [(seed % 1000, seed // 1000) for seed, _ in corners]
    assert len(set(places)) == len(corners)
    for axis, counted in enumerate(point):  # the mean of the corners is the point
        assert sum(place[axis] * weight for place, (_, weight) in zip(places, corners, strict=True)) == counted * UNIT
        assert all(abs(place[axis] * UNIT - counted) < UNIT for place in places)


@pytest.mark.parametrize(
    ("point", "seeds", "nearest"),
    [
        (Point(7000, 2000), [2007], 2007),
        (Point(7500, 2000), [2007, 2008], 2007),
        (Point(7000, 2501), [2007, 3007], 3007),
        (Point(7500, 2500), [2007, 2008, 3007, 3008], 2007),
        (Point(7501, 2500), [2007, 2008, 3007, 3008], 2008),
        (Point(999_000, 999), [999, 1999], 1999),
        (Point(999_000, LAST_Y * UNIT), [9007199254739_999], 9007199254739_999),
    ],
)
def test_the_nearest_seed_is_the_first_of_those_with_the_largest_weight(
    point: Point, seeds: list[int], nearest: int
) -> None:
    assert [seed for seed, _ in point.corners] == seeds
    assert point.nearest == nearest


@pytest.mark.parametrize("wanted", [None, [7, 1]])
@pytest.mark.parametrize("classes", [0, 10])
def test_a_whole_number_is_a_seed_to_the_last_bit(classes: int, wanted: list[int] | None) -> None:
    wanted = wanted if classes else None
    assert torch.equal(latents_at(Point(7000, 2000), 3, 5, 8, classes, wanted), latents(2007, 3, 5, 8, classes, wanted))


@given(points, st.integers(0, 100))
def test_z_is_the_mix_at_the_length_of_a_seeds(point: Point, start: int) -> None:
    rows = latents_at(point, start, 3, 16).numpy()
    right, down = point.x % UNIT / UNIT, point.y % UNIT / UNIT
    first = point.x // UNIT + 1000 * (point.y // UNIT)
    weights = {first: (1 - right) * (1 - down), first + 1: right * (1 - down)}
    weights |= {first + 1000: (1 - right) * down, first + 1001: right * down}
    mix = sum(weight * latents(seed, start, 3, 16).numpy() for seed, weight in weights.items() if weight)
    np.testing.assert_allclose(rows, mix / np.sqrt(sum(w * w for w in weights.values())), atol=1e-5)


def test_z_is_standard_normal_wherever_the_point_lies() -> None:
    for point in (Point(500, 500), Point(250, 900), Point(3500, 7000)):
        z = latents_at(point, 0, 500, 64)
        assert abs(float(z.mean())) < 0.03
        assert abs(float(z.std()) - 1) < 0.02


def test_an_image_is_of_the_nearest_seeds_class_or_of_the_wanted_one() -> None:
    point = Point(7700, 2100)
    assert torch.equal(latents_at(point, 0, 9, 8, 10)[:, 8:], latents(2008, 0, 9, 8, 10)[:, 8:])
    shares = [0.0, 0.7, 0.3]
    assert torch.equal(
        latents_at(point, 0, 9, 8, 3, None, shares)[:, 8:], latents(2008, 0, 9, 8, 3, None, shares)[:, 8:]
    )
    assert latents_at(point, 1, 4, 8, 10, [4, 2])[:, 8:].argmax(dim=1).tolist() == [2, 4, 2, 4]
    assert torch.equal(latents_at(point, 1, 4, 8, 10, [4, 2])[:, :8], latents_at(point, 1, 4, 8, 10)[:, :8])


def test_image_k_does_not_depend_on_those_it_is_asked_for_with() -> None:
    many = latents_at(Point(1234, 5678), 3, 20, 8, 10)
    assert torch.equal(many[11:13], latents_at(Point(1234, 5678), 14, 2, 8, 10))
