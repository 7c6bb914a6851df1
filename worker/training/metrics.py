"""Scores of generated images: pure functions of features, of a judge's answers, or of pixels.

`frechet_distance` is Heusel et al. (2017, arXiv:1706.08500) in the features of the data set's own judge; `kid_blocks`
is Binkowski et al. (2018, arXiv:1801.01401) in those; `density` and `coverage` are Naeem et al. (2020,
arXiv:2002.09797); `vendi_score` is Friedman and Dieng (2022, arXiv:2210.02410); `class_score` is the Inception score of
Salimans et al. (2016, arXiv:1606.03498) with the judge; `copied_share` is the criterion of Yoon et al. (2023,
"Diffusion probabilistic models generalize when they fail to memorize") at twice its threshold. All are computed in
float64 where sums are long, and need no scipy.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

K = 5  # neighbours that make a neighbourhood
ROWS = 500  # of a matrix of distances at a time, 20 MB beside 10,000 others
VALUES = 10_000 * 784  # of images at a time, 31 MB
KID_BLOCK = 500  # images of each kind
STILL = 0.1  # of the mean deviation: features that vary less among real images are not blown up to vary as much
ALIKE = 1e-3  # the least deviation that features are scaled by, where real images are all alike
COPIED = 2 / 3  # of the distance to the second nearest: an image that is so near to the nearest is a copy of it


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


def label_kl(shares: Tensor, expected: Tensor | None = None) -> float:
    """KL divergence of class shares [C] from even ones or those expected, in nats: 0 is best.

    It is ln(C) where one class is drawn only and even shares are expected. No expected share may be 0.
    """
    ratio = shares * len(shares) if expected is None else shares / expected
    return float(torch.special.xlogy(shares, ratio).sum())


def smallest_class(shares: Tensor, expected: Tensor | None = None) -> float:
    """Share of the rarest of C classes; of uneven ones, of that which is rarest beside its expected share.

    The latter is told as if all were expected to have 1 / C.
    """
    return float(shares.min() if expected is None else (shares / expected).min() / len(shares))


def kid_blocks(real: Tensor, drawn: Tensor, size: int = KID_BLOCK) -> Tensor:
    """Kernel distance (squared MMD) of features [N, F] and [M, F], block by block: float64 [M // size].

    The kernel is (x y / F + 1)^3 on features that are scaled by mean and deviation of the real ones. Each block has
    `size` drawn images and as many real ones, over and over, or all where there are fewer. The estimate is unbiased:
    its mean does not depend on the size of a block, is 0 for images of the same distribution, and may be below that.
    """
    real, drawn = _scaled(real, real), _scaled(real, drawn)
    blocks = torch.split(real, size)
    whole = [block for block in blocks if len(block) == size] or [real]
    pairs = ((whole[i % len(whole)], drawn[i * size : (i + 1) * size]) for i in range(len(drawn) // size))
    return torch.tensor([_squared_mmd(a, b) for a, b in pairs], dtype=torch.float64)


def vendi_score(real: Tensor, drawn: Tensor) -> float:
    """How many different images there effectively are among the drawn, from features [N, F] and [M, F].

    Exp of the entropy of the eigenvalues of their cosine similarities, of features scaled as those of `kid_blocks`: 1
    where all are alike, min(M, F) at most. It grows with M, so that only as many images of each kind are comparable.
    """
    rows = torch.nn.functional.normalize(_scaled(real, drawn), dim=1)
    values = torch.linalg.eigvalsh(rows.T @ rows / len(rows)).clamp(min=0)
    return float(torch.exp(-torch.special.xlogy(values, values).sum()))


class Nearest(NamedTuple):
    """For each of M images the two nearest of others, the nearest first."""

    distances: Tensor  # float32 [M, 2], Euclidean, in grey levels
    places: Tensor  # int64 [M, 2]

    @property
    def mean_distance(self) -> float:
        """Mean distance to the nearest."""
        return float(self.distances[:, 0].double().mean())

    @property
    def copied_share(self) -> float:
        """Share of the images whose nearest is less than `COPIED` times as far as their second nearest.

        Of other real images 1 % at most are, and of copies with a little noise, blur or of another image nearly all.
        """
        return float((self.distances[:, 0] < COPIED * self.distances[:, 1]).double().mean())


def nearest_of(images: Tensor, others: Tensor) -> Nearest:
    """The nearest of `others` [N, H, W, C] to uint8 images [M, H, W, C]; N is 2 at least."""
    flat = images.flatten(1).float()
    best = torch.full((len(flat), 2), math.inf, device=flat.device)
    places = torch.zeros((len(flat), 2), dtype=torch.long, device=flat.device)
    first = 0
    for chunk in torch.split(others, max(1, VALUES // flat.shape[1])):
        distances = torch.cdist(flat, chunk.flatten(1).float())
        found = distances.topk(min(2, len(chunk)), dim=1, largest=False)
        best, order = torch.cat([best, found.values], 1).topk(2, dim=1, largest=False)
        places = torch.cat([places, found.indices + first], 1).gather(1, order)
        first += len(chunk)
    return Nearest(best, places)


def _scaled(real: Tensor, features: Tensor) -> Tensor:
    """Features [M, F] less the mean of the real ones, over their deviation: float64."""
    deviation = real.double().std(0)
    return (features.double() - real.double().mean(0)) / deviation.clamp(
        min=max(STILL * float(deviation.mean()), ALIKE)
    )


def _squared_mmd(a: Tensor, b: Tensor) -> float:
    """The unbiased estimate of the squared distance of two sets [N, F] and [M, F] under the kernel of `kid_blocks`."""

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1).pow(3)

    def within(x: Tensor) -> float:
        values = kernel(x, x)
        return float((values.sum() - values.diagonal().sum()) / (len(x) * (len(x) - 1)))

    return within(a) + within(b) - 2 * float(kernel(a, b).mean())


def _distances(a: Tensor, b: Tensor) -> Iterator[Tensor]:
    """Euclidean distances between rows, [ROWS, M] at a time."""
    for rows in torch.split(a, ROWS):
        yield torch.cdist(rows, b)
