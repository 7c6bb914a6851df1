"""What drawn images are compared with: test images, as a judge or a random network sees them."""

from collections.abc import Callable
from statistics import mean
from typing import NamedTuple, Self

import torch
from torch import Tensor

from core.scores import Scores
from models.judge import BATCH, Judge
from worker.training.metrics import (
    KID_BLOCK,
    class_score,
    class_shares,
    density_and_covered,
    frechet_distance,
    kid_blocks,
    label_kl,
    neighbourhoods,
    smallest_class,
    vendi_score,
)

LARGEST = 10_000  # images in a comparison
ENOUGH = 1000  # drawn images, where fewer are compared at a time

Network = Callable[[Tensor], tuple[Tensor, Tensor | None]]


class Reference(NamedTuple):
    """Test images in the features of a network."""

    features: Tensor  # float32 [N, F]
    radii: Tensor  # float32 [N], of their neighbourhoods
    labels: Tensor | None = None  # int64 [N]; None where there is no judge

    @classmethod
    def of(cls, features: Tensor, labels: Tensor | None = None) -> Self:
        """From the features of N images and their labels."""
        return cls(features, neighbourhoods(features), labels)

    def as_tensors(self) -> dict[str, Tensor]:
        """What it is saved as."""
        return {name: tensor for name, tensor in self._asdict().items() if tensor is not None}

    @property
    def blocks(self) -> int:
        """How many times N images are to be drawn, so that scores of few test images are not left to chance."""
        return max(1, -(-ENOUGH // len(self.features)))

    def score(
        self,
        features: Tensor,
        logits: Tensor | None = None,
        intended: Tensor | None = None,
        expected: Tensor | None = None,
    ) -> Scores:
        """Scores of M images, from the network's features [M, F] and a judge's logits [M, classes].

        Of more than N images, N are compared at a time, and the scores that depend on how many they are averaged.
        `intended` are the classes that they were drawn as, [M], and `expected` the shares of the classes, [classes];
        None is even ones.
        """
        n = len(self.features)
        blocks = torch.split(features, n)
        densities, hits = zip(*(density_and_covered(self.features, self.radii, some) for some in blocks), strict=True)
        covered = torch.stack(hits).double().mean(0)  # [N]: in what share of the blocks
        kid = kid_blocks(self.features, features, min(KID_BLOCK, n, len(features)))
        scores = Scores(
            frechet=mean(frechet_distance(self.features, some) for some in blocks),
            kid=float(kid.mean()),
            kid_error=float(kid.std() / len(kid) ** 0.5) if len(kid) > 1 else None,
            coverage=float(covered.mean()),
            density=mean(densities),
            vendi=mean(vendi_score(self.features, some) for some in blocks),
        )
        return (
            scores
            if logits is None
            else scores.model_copy(update=self._of_classes(logits, covered, intended, expected))
        )

    def _of_classes(
        self, logits: Tensor, covered: Tensor, intended: Tensor | None, expected: Tensor | None
    ) -> dict[str, float | list[float] | None]:
        assert self.labels is not None
        shares = class_shares(logits)
        return {
            "class_score": class_score(logits),
            "class_shares": shares.tolist(),
            "label_kl": label_kl(shares, expected),
            "smallest_class": smallest_class(shares, expected),
            "class_coverage": [float(covered[self.labels == c].mean()) for c in range(logits.shape[1])],
            "class_accuracy": None if intended is None else float((logits.argmax(1) == intended).double().mean()),
        }


def read(judge: Judge, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """What a judge in evaluation mode makes of uint8 [N, H, W, C]: features [N, 64] and logits [N, classes]."""
    features, logits = see(judge, pixels)
    assert logits is not None
    return features, logits


@torch.inference_mode()
def see(network: Network, pixels: Tensor) -> tuple[Tensor, Tensor | None]:
    """What a network in evaluation mode makes of uint8 [N, H, W, C]: features [N, F], and a judge's logits."""
    features, logits = zip(*(network(chunk) for chunk in torch.split(pixels, BATCH)), strict=True)
    return torch.cat(features), None if logits[0] is None else torch.cat(logits)
