"""The rows of a source: the same however they are cut into batches, and those that the science promises."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from app.drawing.sources import PickSource, PlaneSource, SeedSource, UnknownClass, WalkSource
from models.directions import nudged
from models.folding import BATCH, FoldedGenerator
from models.judge import FOLDER, load_judge
from models.picking import pick
from models.plane import Point, latents_at
from models.sampling import latents
from models.walk import truncated, walk
from tests.tiny import networks, tiny_recipe
from worker.training.data import EMBEDDED

Rows = SeedSource | PlaneSource | WalkSource


def tiny_model(classes: int = 0) -> FoldedGenerator:
    G, _ = networks(tiny_recipe(classes=classes))
    return FoldedGenerator.of(G.eval())


G = tiny_model(classes=4)


def cut(source: Rows, sizes: Sequence[int]) -> torch.Tensor:
    """All rows of a source, asked for in slices."""
    begins = np.cumsum([0, *sizes[:-1]])
    assert sum(sizes) == source.n
    return torch.cat([source.rows(int(first), n) for first, n in zip(begins, sizes, strict=True)])


@pytest.mark.parametrize("sizes", [[24], [16, 8], [1, 5, 16, 2]])
@pytest.mark.parametrize("truncation", [1.0, 0.3, 0.0])
def test_the_rows_do_not_depend_on_the_slices(sizes: list[int], truncation: float) -> None:
    seed = SeedSource(G, 24, 7, 3, [2, 0], truncation)
    expected = truncated(latents(7, 3, 24, G.z_dim, 4, [2, 0]), G.z_dim, truncation)
    assert torch.equal(cut(seed, sizes), expected)

    way = WalkSource(G, 6, 4, (7, 9), 3, [2, 0], truncation)
    expected = truncated(walk((7, 9), 4, 3, 6, G.z_dim, 4, [2, 0]), G.z_dim, truncation)
    assert torch.equal(cut(way, sizes), expected)

    point = PlaneSource(G, 24, Point(1500, 2250), 3, [2, 0], truncation)
    expected = truncated(latents_at(Point(1500, 2250), 3, 24, G.z_dim, 4, [2, 0]), G.z_dim, truncation)
    assert torch.equal(cut(point, sizes), expected)


@pytest.mark.parametrize("truncation", [1.0, 0.3, 0.0])
def test_a_step_is_added_after_truncation(truncation: float) -> None:
    step = G.directions.step([(0, 150), (7, -1000)])
    pairs: list[tuple[Rows, Rows]] = [
        (SeedSource(G, 24, 7, 3, [2, 0], truncation, step), SeedSource(G, 24, 7, 3, [2, 0], truncation)),
        (
            PlaneSource(G, 24, Point(1500, 0), 3, None, truncation, step),
            PlaneSource(G, 24, Point(1500, 0), 3, None, truncation),
        ),
        (WalkSource(G, 6, 4, (7, 9), 3, None, truncation, step), WalkSource(G, 6, 4, (7, 9), 3, None, truncation)),
    ]
    for moved, still in pairs:
        assert torch.equal(cut(moved, [1, 5, 16, 2]), nudged(cut(still, [24]), step))


def test_a_picked_image_costs_a_batch_and_is_the_judges() -> None:
    judge, model = load_judge(EMBEDDED / "mnist" / FOLDER), tiny_model()
    source = PickSource(model, 3, 7, 2, [1, 8], judge)
    assert source.cost == BATCH
    for k in range(3):
        *_, found = source.search(k)
        assert np.array_equal(found, pick(model, judge, 7, 2, 3, [1, 8])[k])


def test_a_digit_that_nobody_knows_is_refused() -> None:
    judge, without = load_judge(EMBEDDED / "mnist" / FOLDER), tiny_model()
    with pytest.raises(UnknownClass, match="cannot draw 4; allowed: 0 to 3"):
        SeedSource(G, 1, 0, wanted=[3, 4])
    with pytest.raises(UnknownClass, match="allowed: 0 to 3"):
        WalkSource(G, 1, 2, (0, 1), wanted=[9])
    with pytest.raises(UnknownClass, match="allowed: 0 to 3"):
        PlaneSource(G, 1, Point(1500, 0), wanted=[9])
    with pytest.raises(UnknownClass, match="allowed: none"):
        SeedSource(without, 1, 0, wanted=[0])
    PickSource(without, 1, 0, 0, [9], judge)
