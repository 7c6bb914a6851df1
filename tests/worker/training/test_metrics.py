"""Scores on sets whose scores are known in closed form."""

from math import exp, log, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from worker.training.metrics import (
    K,
    class_score,
    class_shares,
    density_and_covered,
    frechet_distance,
    label_kl,
    nearest_distance,
    neighbourhoods,
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
    others = torch.zeros(10_500, 2, 2, dtype=torch.uint8)  # more than one chunk
    others[:] = 200
    others[10_400] = torch.tensor([[3, 0], [0, 0]])
    images = torch.zeros(2, 2, 2, dtype=torch.uint8)
    images[1] = torch.tensor([[3, 4], [0, 0]])
    assert nearest_distance(images, others) == pytest.approx((3 + 4) / 2)
    assert nearest_distance(images, images) == pytest.approx(0, abs=1e-3)
