"""Classes that are not drawn equally often."""

import numpy as np
import pytest
import torch

from models.folding import FoldedGenerator
from models.sampling import draw, draw_latents, latents, share_bounds
from models.walk import walk
from tests.tiny import networks, tiny_recipe

Z_DIM = 8
SHARES = (0.7, 0.0, 0.2, 0.1)
MANY = 4000


def classes(rows: torch.Tensor) -> torch.Tensor:
    return rows[:, Z_DIM:].argmax(1)


def test_each_class_is_drawn_as_often_as_its_share() -> None:
    drawn = classes(latents(5, 0, MANY, Z_DIM, 4, shares=SHARES)).bincount(minlength=4)
    assert drawn[1] == 0
    for count, share in zip(drawn.tolist(), SHARES, strict=True):
        assert count == pytest.approx(MANY * share, abs=4 * (MANY * share * (1 - share)) ** 0.5)


def test_z_is_that_of_even_shares() -> None:
    even, uneven = latents(5, 0, 100, Z_DIM, 4), latents(5, 0, 100, Z_DIM, 4, shares=SHARES)
    assert torch.equal(even[:, :Z_DIM], uneven[:, :Z_DIM])
    assert torch.equal(uneven[40:50], latents(5, 40, 10, Z_DIM, 4, shares=SHARES))


def test_a_wanted_class_is_drawn_whatever_its_share() -> None:
    rows = latents(5, 0, 6, Z_DIM, 4, [1, 3], SHARES)
    assert classes(rows).tolist() == [1, 3, 1, 3, 1, 3]
    assert torch.equal(rows, latents(5, 0, 6, Z_DIM, 4, [1, 3]))


def test_every_number_falls_into_a_class_that_has_a_share() -> None:
    bounds = share_bounds([0.0, *[0.1] * 9, 0.0])  # their sum is below 0.9, as rounded shares may be below 1
    numbers = [0.0, 0.05, 0.1, 0.85, 0.95, np.nextafter(1, 0)]
    assert bounds.searchsorted(numbers, side="right").tolist() == [1, 1, 2, 9, 9, 9]


def test_drawing_and_walks_follow_the_shares_of_the_model() -> None:
    G, _ = networks(tiny_recipe(z_dim=Z_DIM, classes=4))
    G.eval().class_shares = SHARES
    folded = FoldedGenerator.of(G)
    rows = latents(3, 0, 20, Z_DIM, 4, shares=SHARES)
    assert np.array_equal(draw(G, 3, 0, 20), draw_latents(folded, rows))
    assert np.array_equal(draw(folded, 3, 0, 20), draw_latents(folded, rows))
    assert torch.equal(walk((3, 4), 2, 0, 20, Z_DIM, 4, shares=folded.class_shares)[:20], rows)
