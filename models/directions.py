"""Directions of z along which images change most, from G's weights alone.

SeFa (Shen & Zhou, 2021, "Closed-form factorization of latent semantics in GANs", arXiv:2007.06600): what z adds to the
first layer is W z, so a step along a unit vector v changes that layer by |W v|, whatever z is. The directions are the
eigenvectors of W^T W, the one with the largest eigenvalue first; each is orthogonal to all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

UNIT = 100  # hundredths: how an amount is counted


@dataclass(frozen=True, eq=False)
class Directions:
    """As many as z has dimensions, numbered from 0."""

    vectors: Tensor  # [z_dim, z_dim] float32: direction k is row k, of length 1
    shares: tuple[float, ...]  # of the squared change of the first layer, in all 1; the largest first

    @classmethod
    def of(cls, weight: Tensor) -> Self:
        """Those of a first layer, by its weight for z: [z_dim, out].

        In float64, and rounded to float32 at the end, so that the order in which sums are formed is not seen. The
        largest component of each is positive; of equals the first.
        """
        z_dim = len(weight)
        weight = weight.detach().cpu().double()
        values, vectors = torch.linalg.eigh(weight @ weight.t())  # ascending, the vectors as columns
        vectors = vectors.t().flip(0)
        largest = vectors[torch.arange(z_dim), vectors.abs().argmax(dim=1)]
        vectors = vectors * largest.sign().unsqueeze(1)
        values = values.flip(0).clamp(min=0)
        total = float(values.sum()) or 1.0
        return cls(vectors.float().contiguous(), tuple(float(value) / total for value in values))

    def step(self, amounts: Sequence[tuple[int, int]]) -> Tensor:
        """What is added to z for amounts by direction, in hundredths: [z_dim] float32."""
        total = torch.zeros(len(self.vectors), dtype=torch.float64)
        for number, hundredths in amounts:
            total += self.vectors[number].double() * (hundredths / UNIT)
        return total.float()


def nudged(rows: Tensor, step: Tensor) -> Tensor:
    """Latents [n, z_dim + classes] with a step [z_dim] added to z, and the class as it is."""
    z_dim = len(step)
    return torch.cat([rows[:, :z_dim] + step, rows[:, z_dim:]], dim=1)
