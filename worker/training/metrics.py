"""Scores of generated images: pure functions of features, of a judge's answers, or of pixels.

`frechet_distance` is Heusel et al. (2017, arXiv:1706.08500) in the features of a digit classifier; `density` and
`coverage` are Naeem et al. (2020, arXiv:2002.09797); `class_score` is the Inception score of Salimans et al. (2016,
arXiv:1606.03498) with that classifier. All are computed in float64 where sums are long, and need no scipy.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

K = 5  # neighbours that make a neighbourhood
ROWS = 500  # of a matrix of distances at a time, 20 MB beside 10,000 others


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Between the Gaussians of two sets of features, [N, F] and [M, F]: 0 for the same mean and covariance.

    |m_a - m_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2), which needs eigenvalues of symmetric matrices only.
    """
    a, b = a.double(), b.double()
    offset = a.mean(0) - b.mean(0)
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    distance = offset @ offset + cov_a.trace() + cov_b.trace() - 2 * cross
    return max(float(distance), 0.0)


def neighbourhoods(real: Tensor, k: int = K) -> Tensor:
    """Distance of each real image to its k-th nearest other one, in features [N, F]: [N]."""
    return torch.cat([distances.kthvalue(k + 1, dim=1).values for distances in _distances(real, real)])


def density_and_covered(real: Tensor, radii: Tensor, drawn: Tensor, k: int = K) -> tuple[float, Tensor]:
    """Density, and which real images are covered: bool [N].

    A real image's neighbourhood is the ball of its `neighbourhoods` radius. Density is the mean number of balls that
    a drawn image lies in, over k: 1 is expected of other real images, 0 is far away. A real image is covered when a
    drawn one lies in its ball; the mean is the coverage, and 1 - 2^-k is expected of as many other real images.
    """
    inside, covered = 0, []
    for distances, radius in zip(_distances(real, drawn), torch.split(radii, ROWS), strict=True):
        hits = distances < radius[:, None]
        inside += int(hits.sum())
        covered.append(hits.any(dim=1))
    return inside / (k * len(drawn)), torch.cat(covered)


def class_score(logits: Tensor) -> float:
    """Exp of the mean KL(p(class | image) || p(class)) of a judge's logits [N, C]: 1 is worst, C is best."""
    log_p = logits.double().log_softmax(1)
    log_mean = log_p.logsumexp(0) - math.log(len(log_p))
    return float((log_p.exp() * (log_p - log_mean)).sum(1).mean().exp())


def class_shares(logits: Tensor) -> Tensor:
    """Share of each class in what the judge reads, from logits [N, C]: float64 [C]."""
    return logits.argmax(1).bincount(minlength=logits.shape[1]).double() / len(logits)


def label_kl(shares: Tensor) -> float:
    """KL divergence of class shares [C] from even ones, in nats: 0 is best, ln(C) is one class only."""
    return float(torch.special.xlogy(shares, shares * len(shares)).sum())


def nearest_distance(images: Tensor, others: Tensor) -> float:
    """Mean Euclidean distance, in grey levels, of uint8 images [N, H, W, C] to the nearest of `others` [M, H, W, C]."""
    flat = images.flatten(1).float()
    nearest = torch.full((len(flat),), math.inf, device=flat.device)
    for chunk in torch.split(others, 20 * ROWS):
        distances = torch.cdist(flat, chunk.flatten(1).float())
        nearest = torch.minimum(nearest, distances.min(dim=1).values)
    return float(nearest.double().mean())


def _distances(a: Tensor, b: Tensor) -> Iterator[Tensor]:
    """Euclidean distances between rows, [ROWS, M] at a time."""
    for rows in torch.split(a, ROWS):
        yield torch.cdist(rows, b)
