"""`diffaugment` is colour and translation of Zhao et al. (2020), with the edge's own pixels coming in."""

import pytest
import torch
from torch import Tensor

from models.augment import SHIFTED_SHARE, augment

MANY = 3000


def flat(n: int, colour: tuple[float, ...], side: int = 16) -> Tensor:
    """[n, C, side, side]: images of one colour, which no shift changes."""
    return torch.tensor(colour).view(1, -1, 1, 1).expand(n, -1, side, side).contiguous()


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64), (1, 16, 16)])
def test_shape_stays_and_the_input_is_not_changed(shape: tuple[int, ...]) -> None:
    images = torch.rand(8, *shape) * 2 - 1
    before = images.clone()
    augmented = augment(images, "diffaugment")
    assert augmented.shape == images.shape
    assert augmented.is_contiguous()
    assert torch.equal(images, before)


def test_brightness_moves_all_channels_by_up_to_half() -> None:
    moved = augment(flat(MANY, (0.2, 0.2, 0.2)), "diffaugment") - 0.2
    assert torch.allclose(moved, moved[:, :1, :1, :1].expand_as(moved), atol=1e-5)
    shifts = moved[:, 0, 0, 0]
    assert shifts.min() == pytest.approx(-0.5, abs=0.01)
    assert shifts.max() == pytest.approx(0.5, abs=0.01)
    assert shifts.mean() == pytest.approx(0, abs=0.03)


def test_saturation_goes_from_grey_to_twice_as_far_from_it() -> None:
    augmented = augment(flat(MANY, (0.3, 0.0, -0.3)), "diffaugment")[:, :, 0, 0]
    red, green, blue = (augmented - augmented.mean(1, keepdim=True)).unbind(1)
    assert torch.allclose(green, torch.zeros(MANY), atol=1e-5)
    assert torch.allclose(red, -blue, atol=1e-5)
    assert red.min() == pytest.approx(0, abs=0.01)  # contrast of 0.5 to 1.5 comes on top
    assert red.max() == pytest.approx(0.3 * 2 * 1.5, rel=0.1)


def test_contrast_is_halved_at_least_and_half_as_much_again_at_most() -> None:
    images = torch.zeros(MANY, 1, 16, 16)
    images[:, :, 4:12, 4:12] = 1.0  # further from the border than any shift
    ranges = augment(images, "diffaugment").flatten(1)
    factors = ranges.max(1).values - ranges.min(1).values
    assert factors.min() == pytest.approx(0.5, abs=0.01)
    assert factors.max() == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("side", [16, 28, 64])
def test_the_edge_continues_where_an_image_moved_away(side: int) -> None:
    """Each column has a colour of its own and each row another, so that a place tells where it came from."""
    columns = torch.arange(side).float().view(1, 1, 1, side).expand(MANY, 1, side, side).contiguous() / side
    shifts = set()
    for image in augment(columns, "diffaugment"):
        row = image[0, 0]
        steps = row.diff()
        moving = (steps > 1e-4).nonzero().flatten()
        left, right = int(moving[0]), side - 2 - int(moving[-1])  # columns that repeat the edge
        assert torch.allclose(steps[moving], steps[moving[0]].expand(len(moving)), atol=1e-4)
        assert min(left, right) == 0
        shifts.add(left - right)
    reach = round(SHIFTED_SHARE * side)
    assert shifts == set(range(-reach, reach + 1))


def test_the_gradient_reaches_every_pixel_that_is_seen_and_the_edges_more_often() -> None:
    images = torch.rand(16, 3, 16, 16, dtype=torch.double).requires_grad_()
    torch.manual_seed(3)
    (gradient,) = torch.autograd.grad(augment(images, "diffaugment").sum(), images)
    assert (gradient != 0).flatten(1).double().mean(1).min() > 0.7
    assert float(gradient.detach().sum()) == pytest.approx(3 * 16 * 16 * 16)  # brightness and contrast keep the sum

    def augmented(some: Tensor) -> Tensor:
        torch.manual_seed(3)
        return augment(some, "diffaugment")

    assert torch.autograd.gradcheck(augmented, torch.rand(2, 3, 8, 8, dtype=torch.double).requires_grad_())
