"""Scoring a generator: the pixels that it would serve, beside test images, as the data set's judge sees them."""

from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import torch
from safetensors.torch import load as parse_tensors
from torch import Tensor

from core.card import read_verified
from core.errors import CheckpointError
from core.scores import Scores, ScoreSheet
from models.dcgan import Generator
from models.judge import BATCH, FOLDER, REFERENCE, Judge, load_judge, read_judge_card
from models.sampling import draw_in_bulk, latents
from worker.training.data import Dataset, load_dataset
from worker.training.errors import BadData
from worker.training.metrics import (
    class_score,
    class_shares,
    density_and_covered,
    frechet_distance,
    label_kl,
    nearest_distance,
    neighbourhoods,
)

CPU = torch.device("cpu")
LARGEST = 10_000  # images in a comparison
NEAREST_OF = 500  # images whose nearest training image is looked for


class Reference(NamedTuple):
    """What images are compared with: test images in the features of a judge."""

    features: Tensor  # float32 [N, 64]
    radii: Tensor  # float32 [N], of their neighbourhoods
    labels: Tensor  # int64 [N]

    @classmethod
    def of(cls, features: Tensor, labels: Tensor) -> Self:
        """From the features of N images and their labels."""
        return cls(features, neighbourhoods(features), labels)

    def score(self, features: Tensor, logits: Tensor, intended: Tensor | None = None) -> Scores:
        """Scores of M images, from a judge's features [M, 64] and logits [M, classes].

        `intended` are the classes that they were drawn as, [M].
        """
        classes = logits.shape[1]
        density, covered = density_and_covered(self.features, self.radii, features)
        shares = class_shares(logits)
        return Scores(
            frechet=frechet_distance(self.features, features),
            coverage=float(covered.double().mean()),
            density=density,
            class_score=class_score(logits),
            label_kl=label_kl(shares),
            smallest_class=float(shares.min()),
            class_coverage=[float(covered[self.labels == c].double().mean()) for c in range(classes)],
            class_accuracy=None if intended is None else float((logits.argmax(1) == intended).double().mean()),
        )


class Scorer:
    """Scores generators that are trained on a data set, on the device where they are."""

    def __init__(self, folder: Path, dataset: Dataset, device: torch.device = CPU) -> None:
        """`folder` is the data set's, which has a judge; `dataset` are the images trained on. Raises BadData."""
        try:
            card = read_judge_card(folder / FOLDER)
            self._judge = load_judge(folder / FOLDER).to(device)
            tensors = parse_tensors(read_verified(folder / FOLDER, REFERENCE, card.sha256))
        except CheckpointError as error:
            raise BadData(str(error)) from error
        self._id, self._floor = card.judge_id, card.floor
        self._reference = Reference(**{name: tensor.to(device) for name, tensor in tensors.items()})
        self._trained_on = dataset.images.to(device)
        self._test_images = load_dataset(folder, split="t10k").images[:NEAREST_OF].to(device)
        self._device = device

    def score(self, G: Generator, seed: int = 0) -> ScoreSheet:
        """The scores of the first images of a seed, as many as there are test images in the reference."""
        images = len(self._reference.features)
        rows = _latents(seed, images, G.z_dim, G.classes)
        pixels = draw_in_bulk(G, rows)
        intended = rows[:, G.z_dim :].argmax(1).to(self._device) if G.classes else None
        scores = self._reference.score(*read(self._judge, pixels), intended)
        nearest = nearest_distance(pixels[:NEAREST_OF], self._trained_on)
        scale = self._nearest_of_test  # 0 where the test images are training images
        measured = scores.model_copy(update={"nearest": nearest / scale if scale else None})
        return ScoreSheet(**dict(measured), judge=self._id, images=images, floor=self._floor)

    @cached_property
    def _nearest_of_test(self) -> float:
        return nearest_distance(self._test_images, self._trained_on)


@lru_cache(maxsize=1)  # a run is scored with the same ones again and again
def _latents(seed: int, images: int, z_dim: int, classes: int) -> Tensor:
    return latents(seed, 0, images, z_dim, classes)


def has_judge(folder: Path) -> bool:
    """Whether models trained on the data set of this folder can be scored."""
    return (folder / FOLDER).is_dir()


@torch.inference_mode()
def read(judge: Judge, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """What a judge in evaluation mode makes of uint8 [N, 28, 28, 1]: features [N, 64] and logits [N, classes]."""
    features, logits = zip(*(judge(chunk) for chunk in torch.split(pixels, BATCH)), strict=True)
    return torch.cat(features), torch.cat(logits)
