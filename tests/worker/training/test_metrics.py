"""Scores on sets whose scores are known in closed form."""

from math import exp, log, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from worker.training.metrics import (
    COPIED,
    K,
    Nearest,
    class_score,
    class_shares,
    density_and_covered,
    frechet_distance,
    kid_blocks,
    label_kl,
    nearest_of,
    neighbourhoods,
    smallest_class,
    vendi_score,
)

CERTAIN = 60.0  # a logit that leaves nothing to the others


def gaussian(mean: Tensor, root: Tensor, n: int = 200, seed: int = 0) -> Tensor:
    """Points with exactly this mean and the covariance root @ root.T."""
    points = np.random.default_rng(seed).standard_normal((n, len(mean)))
    points -= points.mean(0)
    whitening = np.linalg.inv(np.linalg.cholesky(np.cov(points.T)))
    return torch.from_numpy(points @ whitening.T) @ root.T + mean


def certain(labels: list[int], classes: int = 10) -> Tensor:
    return torch.nn.functional.one_hot(torch.tensor(labels), classes) * CERTAIN


def test_the_distance_of_two_known_gaussians() -> None:
    mean, deviations = torch.tensor([3.0, -4.0, 0.0]).double(), torch.tensor([1.0, 0.5, 2.0]).double()
    a = gaussian(torch.zeros(3).double(), torch.eye(3).double(), seed=1)
    b = gaussian(mean, torch.diag(deviations), seed=2)
    assert frechet_distance(a, b) == pytest.approx(25 + 0 + 0.25 + 1)
    assert frechet_distance(b, a) == pytest.approx(26.25)


def test_the_distance_of_gaussians_whose_axes_differ() -> None:
    root_a = torch.tensor([[2.0, 0.0], [0.0, 1.0]]).double()
    root_b = torch.tensor([[1.0, 1.0], [0.0, 1.0]]).double()
    cov_a, cov_b = root_a @ root_a.T, root_b @ root_b.T
    product = cov_a @ cov_b  # of 2x2 matrices tr sqrt(M) is sqrt(tr M + 2 sqrt(det M))
    cross = sqrt(float(product.trace()) + 2 * sqrt(float(product.det())))
    expected = float(cov_a.trace() + cov_b.trace()) - 2 * cross
    zero = torch.zeros(2).double()
    assert frechet_distance(gaussian(zero, root_a, seed=1), gaussian(zero, root_b, seed=2)) == pytest.approx(expected)


def test_the_distance_of_a_set_to_itself_is_zero_even_where_a_feature_is_dead() -> None:
    features = torch.rand(50, 8)
    features[:, 3] = 0.0
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features, features[torch.randperm(50)]) == pytest.approx(0, abs=1e-9)


def test_a_set_covers_itself_with_a_density_of_one() -> None:
    real = torch.from_numpy(np.random.default_rng(0).standard_normal((1200, 6))).float()
    density, covered = density_and_covered(real, neighbourhoods(real), real)
    assert density == 1.0
    assert covered.all()


def test_a_set_far_away_covers_nothing() -> None:
    real = torch.rand(30, 4)
    density, covered = density_and_covered(real, neighbourhoods(real), real + 100)
    assert density == 0.0
    assert not covered.any()


def test_one_image_drawn_over_and_over_is_dense_but_covers_its_surroundings_only() -> None:
    real = torch.arange(100.0)[:, None]  # balls of radius 3 around each integer, 5 at the ends
    density, covered = density_and_covered(real, neighbourhoods(real), torch.full((40, 1), 50.0))
    assert covered.nonzero().flatten().tolist() == [48, 49, 50, 51, 52]
    assert density == pytest.approx(1.0)


def test_density_and_coverage_follow_their_definition() -> None:
    rng = np.random.default_rng(3)
    real, drawn = rng.standard_normal((40, 3)), rng.standard_normal((25, 3)) + 0.5
    between = np.linalg.norm(real[:, None] - real[None], axis=2)
    radii = np.sort(between, axis=1)[:, K]
    inside = np.linalg.norm(real[:, None] - drawn[None], axis=2) < radii[:, None]
    features = torch.from_numpy(real)
    assert neighbourhoods(features).numpy() == pytest.approx(radii)
    density, covered = density_and_covered(features, torch.from_numpy(radii), torch.from_numpy(drawn))
    assert density == pytest.approx(inside.sum() / (K * 25))
    assert covered.tolist() == inside.any(1).tolist()


def test_clear_and_even_digits_score_the_number_of_classes() -> None:
    logits = certain([*range(10)] * 3)
    assert class_score(logits) == pytest.approx(10)
    assert label_kl(class_shares(logits)) == pytest.approx(0)


def test_a_set_without_sevens_says_so() -> None:
    logits = certain([digit for digit in range(10) if digit != 7] * 4)
    shares = class_shares(logits)
    assert shares[7] == 0
    assert label_kl(shares) == pytest.approx(log(10 / 9))
    assert class_score(logits) == pytest.approx(9)


def test_one_digit_only_is_the_worst_score() -> None:
    logits = certain([3] * 12)
    assert label_kl(class_shares(logits)) == pytest.approx(log(10))
    assert class_score(logits) == pytest.approx(1)


def test_images_that_a_judge_cannot_read_score_one_and_half_read_ones_between() -> None:
    assert class_score(torch.zeros(20, 10)) == pytest.approx(1)
    p = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    kl = 0.9 * log(0.9 / 0.5) + 0.1 * log(0.1 / 0.5)
    assert class_score(p.log()) == pytest.approx(exp(kl))


def test_the_nearest_distance_is_that_of_the_nearest() -> None:
    others = torch.full((300, 2, 2), 200, dtype=torch.uint8)
    others[290] = torch.tensor([[3, 0], [0, 0]])
    images = torch.zeros(2, 2, 2, dtype=torch.uint8)
    images[1] = torch.tensor([[3, 4], [0, 0]])
    assert nearest_of(images, others).mean_distance == pytest.approx((3 + 4) / 2)
    assert nearest_of(images, images).mean_distance == pytest.approx(0, abs=1e-3)


def test_the_two_nearest_are_found_across_chunks_and_know_their_places() -> None:
    side = 100  # 784 images in a chunk
    others = torch.full((1600, side, side), 200, dtype=torch.uint8)
    others[7], others[1590] = 0, 0
    others[7, 0, 1], others[1590, 0, 0] = 5, 3
    nearest = nearest_of(torch.zeros(1, side, side, dtype=torch.uint8), others)
    assert nearest.places.tolist() == [[1590, 7]]
    assert nearest.distances.tolist() == [pytest.approx([3, 5])]


def test_what_is_much_nearer_to_one_image_than_to_any_other_is_a_copy() -> None:
    distances = torch.tensor([[0.0, 9.0], [5.9, 9.0], [6.1, 9.0], [9.0, 9.0]])
    assert pytest.approx(2 / 3) == COPIED
    assert Nearest(distances, torch.zeros(4, 2, dtype=torch.long)).copied_share == 0.5


def test_uneven_classes_are_compared_with_their_own_shares() -> None:
    expected = torch.tensor([0.5, 0.4, 0.1]).double()
    assert label_kl(expected, expected) == pytest.approx(0)
    assert label_kl(expected) > 0.1
    assert smallest_class(expected, expected) == pytest.approx(1 / 3)
    assert smallest_class(expected) == pytest.approx(0.1)
    drawn = torch.tensor([0.85, 0.1, 0.05]).double()
    assert smallest_class(drawn, expected) == pytest.approx(0.25 / 3)  # a quarter of what the second is to have
    assert label_kl(drawn, expected) == pytest.approx(sum(p * log(p / q) for p, q in zip(drawn, expected, strict=True)))
    assert label_kl(torch.tensor([1.0, 0.0, 0.0]).double(), expected) == pytest.approx(log(2))


def normal(n: int, seed: int, features: int = 8) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, features)))


def test_the_kernel_distance_follows_its_definition() -> None:
    real, drawn = normal(30, 1, 3) * 5 + 2, normal(20, 2, 3) * 4
    scale = (real.numpy().mean(0), real.numpy().std(0, ddof=1))
    x, y = ((points.numpy() - scale[0]) / scale[1] for points in (real[:20], drawn))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((np.dot(a, b) / 3 + 1) ** 3)

    pairs = [(i, j) for i in range(20) for j in range(20)]
    within = sum(kernel(z[i], z[j]) for z in (x, y) for i, j in pairs if i != j) / (20 * 19)
    between = sum(kernel(x[i], y[j]) for i, j in pairs) / 400
    (found,) = kid_blocks(real, drawn, size=20).tolist()
    assert found == pytest.approx(within - 2 * between)


@pytest.mark.parametrize("size", [40, 400])
def test_the_kernel_distance_of_one_distribution_is_nothing_however_few_are_compared(size: int) -> None:
    kid = kid_blocks(normal(size, 1), normal(8000, 2), size)
    error = float(kid.std()) / len(kid) ** 0.5
    assert len(kid) == 8000 // size
    assert abs(float(kid.mean())) < 0.1
    farther = kid_blocks(normal(size, 1), normal(8000, 2) + 0.5, size)
    assert float(farther.mean()) > float(kid.mean()) + 10 * error


def test_a_feature_that_never_changes_does_not_decide_the_kernel_distance() -> None:
    real, drawn = normal(100, 1), normal(100, 2)
    real[:, 3] = 1.0
    drawn[:, 3] = 1.0 + 1e-3 * drawn[:, 3]
    assert float(kid_blocks(real, drawn, 100).mean()) < 0.2


def test_the_vendi_score_counts_different_images() -> None:
    real = normal(400, 1)
    assert vendi_score(real, real[:1].expand(50, 8)) == pytest.approx(1)
    assert vendi_score(real, real) == pytest.approx(8, rel=0.02)
    assert vendi_score(real, real[:2].repeat(50, 1)) <= 2 + 1e-6
