from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from core.recipe import Augment
from models.augment import CUTOUT_SIZE, MAX_SHIFT, augment, augmented

MANY = 2000
KINDS: tuple[Augment, ...] = get_args(Augment)
WITHIN_RANGE = [kind for kind in KINDS if kind != "diffaugment"]


def blobs(n: int) -> Tensor:
    """[n, 1, 28, 28]: one and the same pattern in the middle of black, further from the border than any shift."""
    images = torch.full((1, 1, 28, 28), -1.0)
    images[0, 0, 5:23, 5:23] = torch.rand(18, 18)
    return images.expand(n, -1, -1, -1).contiguous()


def test_none_is_the_identity() -> None:
    images = blobs(2)
    assert augment(images, "none") is images


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 64, 64)])
@pytest.mark.parametrize("kind", WITHIN_RANGE)
def test_shape_and_range_stay_and_the_input_is_not_changed(kind: Augment, shape: tuple[int, ...]) -> None:
    images = torch.rand(50, *shape) * 2 - 1
    before = images.clone()
    augmented = augment(images, kind)
    assert augmented.shape == images.shape
    assert augmented.min() >= -1
    assert augmented.max() <= 1
    assert torch.equal(images, before)


def test_a_translated_image_is_the_same_image_elsewhere() -> None:
    images = blobs(MANY)
    shifts = set()
    for image in augment(images, "translate"):
        lit = (image[0] > -1).nonzero().amin(dim=0) - 5
        dy, dx = int(lit[0]), int(lit[1])
        assert torch.equal(image[0], images[0, 0].roll((dy, dx), (0, 1)))
        shifts.add((dy, dx))
    reach = range(-MAX_SHIFT, MAX_SHIFT + 1)
    assert shifts == {(dy, dx) for dy in reach for dx in reach}


def test_black_comes_in_where_an_image_moved_away() -> None:
    white = torch.ones(MANY, 1, 28, 28)
    areas = set()
    for image in augment(white, "translate")[:, 0]:
        rows, columns = (image == 1).any(dim=1), (image == 1).any(dim=0)
        assert torch.equal(image == 1, rows[:, None] & columns[None, :])
        assert set(torch.unique(image).tolist()) <= {-1, 1}
        areas.add((int(rows.sum()), int(columns.sum())))
    assert areas == {(28 - dy, 28 - dx) for dy in range(MAX_SHIFT + 1) for dx in range(MAX_SHIFT + 1)}


def test_cutout_blackens_one_square_that_the_border_may_clip() -> None:
    images = torch.rand(MANY, 1, 28, 28)
    sizes, centres = set(), set()
    for before, after in zip(images[:, 0], augment(images, "cutout")[:, 0], strict=True):
        cut = after == -1
        rows, columns = cut.any(dim=1).nonzero().flatten(), cut.any(dim=0).nonzero().flatten()
        assert cut.sum() == len(rows) * len(columns)  # a rectangle
        assert int(rows[-1] - rows[0]) == len(rows) - 1
        assert int(columns[-1] - columns[0]) == len(columns) - 1
        assert torch.equal(after[~cut], before[~cut])
        for run in (rows, columns):
            clipped = run[0] == 0 or run[-1] == 27
            sizes.add((len(run), bool(clipped)))
        centres.add((int(rows[0]), int(columns[0])))
    assert {size for size, clipped in sizes if not clipped} == {CUTOUT_SIZE}
    assert max(size for size, _ in sizes) == CUTOUT_SIZE
    assert min(size for size, _ in sizes) == CUTOUT_SIZE // 2
    assert len(centres) > 300


def test_channels_move_and_are_cut_together() -> None:
    images = blobs(100).expand(-1, 3, -1, -1)
    for kind in ("translate", "cutout"):
        first, *others = augment(images, kind).unbind(1)
        assert all(torch.equal(first, other) for other in others)


@pytest.mark.parametrize("side", [56, 64])
def test_larger_images_move_and_lose_more(side: int) -> None:
    white = torch.ones(MANY, 3, side, side)
    rows = (augment(white, "translate") == 1).all(1).any(2).sum(1)
    assert int(rows.min()) == side - round(MAX_SHIFT * side / 28)
    cut = (augment(white, "cutout") == -1).all(1).any(2).sum(1)
    assert int(cut.max()) == round(CUTOUT_SIZE * side / 28)


@pytest.mark.parametrize("kind", ["translate", "cutout", "diffaugment"])
def test_each_image_gets_a_draw_of_its_own_and_each_call_too(kind: Augment) -> None:
    images = blobs(20)
    once, again = augment(images, kind), augment(images, kind)
    assert len(torch.unique(once.flatten(1), dim=0)) > 10
    assert not torch.equal(once, again)


@pytest.mark.parametrize("kind", ["translate", "cutout", "diffaugment"])
def test_draws_follow_torchs_seed(kind: Augment) -> None:
    images = blobs(20)
    torch.manual_seed(1)
    once = augment(images, kind)
    torch.manual_seed(1)
    assert torch.equal(augment(images, kind), once)


@pytest.mark.parametrize("kind", WITHIN_RANGE)
def test_gradients_reach_every_pixel_that_is_still_seen(kind: Augment) -> None:
    images = torch.rand(8, 1, 28, 28).requires_grad_()
    augmented = augment(images, kind)
    (gradient,) = torch.autograd.grad((augmented * 3).sum(), images)
    seen = (augmented != -1).flatten(1).sum(dim=1)
    assert set(torch.unique(gradient).tolist()) <= {0, 3}
    assert torch.equal((gradient == 3).flatten(1).sum(dim=1), seen)
    assert seen.min() >= (28 - MAX_SHIFT) ** 2


def test_pixels_are_augmented_alike_for_a_seed_and_leave_the_generator_of_others_alone() -> None:
    images = np.full((3, 28, 28, 1), 200, np.uint8)
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first, again, other = (augmented(images, "cutout", seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(2), expected)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert set(np.unique(first)) == {0, 200}  # what is not cut out keeps its value
    assert (first.dtype.name, first.shape) == ("uint8", images.shape)
