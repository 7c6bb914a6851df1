"""Scoring a generator: the pixels that it would serve, beside test images, as the data set's judge sees them."""

from contextlib import suppress
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load as parse_tensors
from torch import Tensor

from core.card import ID_LENGTH, read_verified
from core.dataset_arrays import open_dataset
from core.dataset_card import CARD, FLOOR, read_dataset_card
from core.errors import CheckpointError, DatasetDamaged
from core.files import write_file
from core.scores import Floor, Measure, Scores, ScoreSheet
from models.dcgan import Generator
from models.judge import FOLDER, REFERENCE, load_judge, read_judge_card
from models.sampling import draw_in_bulk, latents
from worker.training.data import Dataset, load_dataset
from worker.training.errors import BadData
from worker.training.metrics import Nearest, nearest_of
from worker.training.random_network import RandomNetwork
from worker.training.reference import ENOUGH, Network, Reference, see

CPU = torch.device("cpu")
NEAREST_OF = 500  # images whose nearest training images are looked for
PAIRS = 24
SCORE_EVERY, SHOWN_PER_DRAWN = 50_000, 10  # real images shown between two scores: at most, and for each drawn image
LARGEST_UNJUDGED = 5000  # images in a comparison by a random network
FEWEST_TEST_IMAGES = 32  # with fewer, training images are compared with


class Yardstick(NamedTuple):
    """What the models of a data set are measured with. Scores of different ones cannot be compared."""

    id: str
    network: Network
    reference: Reference
    expected: Tensor | None  # float64 [classes], the shares of the classes; None is even ones
    floor: Scores
    compared_by: Measure


class Measured(NamedTuple):
    """What scoring gives."""

    scores: ScoreSheet
    closest_pairs: Tensor  # uint8 [2 * PAIRS, H, W, C]: a drawn image, the training image nearest to it, and so on


class Scorer:
    """Scores generators that are trained on a data set, on the device where they are."""

    def __init__(self, folder: Path, dataset: Dataset, device: torch.device = CPU) -> None:
        """`folder` is the data set's; `dataset` are the images trained on. Raises BadData.

        Without a judge in the folder, which must be an imported data set's then, a random network takes its place.
        """
        self._yardstick = _judge(folder, device) if has_judge(folder) else _random_network(folder, dataset, device)
        self._trained_on = dataset.images.to(device)
        self._shares = dataset.class_shares
        test = dataset.test if is_imported(folder) else load_dataset(folder, split="t10k")
        self._test_images = None if test is None else test.images[:NEAREST_OF].to(device)
        self._device = device
        if is_imported(folder):
            with suppress(OSError):  # it is there to be looked at
                self._save_floor(folder)

    @property
    def floor(self) -> Floor:
        """What training images score."""
        id_, _, reference, _, floor, compared_by = self._yardstick
        if self._nearest_of_test is not None and self._nearest_of_test.mean_distance > 0:
            floor = floor.model_copy(update={"memorised": self._nearest_of_test.copied_share})
        return Floor(judge=id_, images=len(reference.features), compared_by=compared_by, scores=floor)

    def score(self, G: Generator, seed: int = 0) -> ScoreSheet:
        """The scores of the first images of a seed, as many as there are test images in the reference.

        Where these are fewer than `ENOUGH`, it is their smallest multiple that is no less.
        """
        return self.measure(G, seed).scores

    def measure(self, G: Generator, seed: int = 0) -> Measured:
        """The same, and the drawn images that are nearest to training images."""
        _, network, reference, expected, _, _ = self._yardstick
        floor, images = self.floor, len(reference.features)
        rows = _latents(seed, images * reference.blocks, G.z_dim, G.classes, self._shares)
        pixels = draw_in_bulk(G, rows)
        intended = rows[:, G.z_dim :].argmax(1).to(self._device) if G.classes else None
        scores = reference.score(*see(network, pixels), intended, expected)
        nearest = nearest_of(pixels[:NEAREST_OF], self._trained_on)
        of_test = self._nearest_of_test
        scale = of_test.mean_distance if of_test is not None else 0.0  # 0 where the test images are training images
        measured = {
            **dict(scores),
            "nearest": nearest.mean_distance / scale if scale else None,
            "memorised": nearest.copied_share,
        }
        sheet = ScoreSheet(
            **measured,
            judge=floor.judge,
            images=images,
            drawn=len(rows),
            compared_by=floor.compared_by,
            floor=floor.scores,
        )
        return Measured(sheet, self._pairs(pixels, nearest))

    @property
    def score_every(self) -> int:
        """How often to score, in real images: so seldom that training takes most of the time."""
        reference = self._yardstick.reference
        return min(SCORE_EVERY, SHOWN_PER_DRAWN * len(reference.features) * reference.blocks)

    @cached_property
    def _nearest_of_test(self) -> Nearest | None:
        return None if self._test_images is None else nearest_of(self._test_images, self._trained_on)

    def _save_floor(self, folder: Path) -> None:
        """Keep the floor. A run on some of the images has a `memorised` of its own, which is not the data set's."""
        floor = self.floor
        if len(self._trained_on) < read_dataset_card(folder).train:
            if (folder / FLOOR).exists():
                return
            floor = floor.model_copy(update={"scores": floor.scores.model_copy(update={"memorised": None})})
        write_file(folder / FLOOR, floor.model_dump_json(indent=2).encode() + b"\n")

    def _pairs(self, pixels: Tensor, nearest: Nearest) -> Tensor:
        first, second = nearest.distances.unbind(1)
        worst = (first / second.clamp(min=1.0)).argsort(stable=True)[:PAIRS]
        pairs = torch.stack([pixels[worst], self._trained_on[nearest.places[worst, 0]]], 1)
        return pairs.flatten(0, 1).cpu()


def has_judge(folder: Path) -> bool:
    """Whether the data set of this folder has a judge."""
    return (folder / FOLDER).is_dir()


def is_imported(folder: Path) -> bool:
    """Whether the data set of this folder was imported, and is no folder of IDX files."""
    return (folder / CARD).is_file()


def can_be_scored(folder: Path) -> bool:
    """Whether models trained on the data set of this folder can be scored: folders of IDX files need a judge."""
    return has_judge(folder) or is_imported(folder)


def evenly(rows: Tensor, n: int) -> Tensor:
    """Up to `n` rows from all over a tensor: files may be in the order of their classes."""
    n = min(n, len(rows))
    return rows[torch.arange(n) * len(rows) // n]


def _judge(folder: Path, device: torch.device) -> Yardstick:
    try:
        card = read_judge_card(folder / FOLDER)
        judge = load_judge(folder / FOLDER, card).to(device)
        tensors = parse_tensors(read_verified(folder / FOLDER, REFERENCE, card.sha256))
    except CheckpointError as error:
        raise BadData(str(error)) from error
    reference = Reference(**{name: tensor.to(device) for name, tensor in tensors.items()})
    expected = None if card.class_shares is None else torch.tensor(card.class_shares).double().to(device)
    compared_by: Measure = "frechet" if len(reference.features) >= ENOUGH else "kid"
    return Yardstick(card.judge_id, judge, reference, expected, card.floor, compared_by)


def _random_network(folder: Path, dataset: Dataset, device: torch.device) -> Yardstick:
    """Test images as a random network sees them, or every second training image where there are too few."""
    network = RandomNetwork(dataset.shape).to(device)
    try:
        arrays = open_dataset(folder)  # all of it, where `dataset` may have the first images only
    except DatasetDamaged as error:
        raise BadData(str(error)) from error
    train, test = (torch.from_numpy(arrays.images[rows]) for rows in (arrays.train, arrays.test))
    if len(test) >= FEWEST_TEST_IMAGES:
        real, others = test[:LARGEST_UNJUDGED], train
    else:
        real, others = train[::2][:LARGEST_UNJUDGED], train[1::2]
    reference = Reference.of(see(network, real.to(device))[0])
    others = others[: floor_images(len(real), reference.blocks, len(others))]
    floor = reference.score(see(network, others.to(device))[0])
    id_ = sha256(f"{network.id} {dataset.sha256}".encode()).hexdigest()[:ID_LENGTH]
    return Yardstick(id_, network, reference, None, floor, "kid")


def floor_images(n: int, blocks: int, there: int) -> int:
    """How many training images, of those there are, the floor is measured on: up to `blocks` times n, or n at most."""
    return n * min(blocks, there // n) if there >= n else there


@lru_cache(maxsize=1)  # a run is scored with the same ones again and again
def _latents(seed: int, images: int, z_dim: int, classes: int, shares: tuple[float, ...] | None) -> Tensor:
    return latents(seed, 0, images, z_dim, classes, shares=shares)
