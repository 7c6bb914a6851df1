"""`python -m bench.faults datasets/mnist`: what the scores see of images with a fault that is known.

For each fault, done to training images: `kid` and how many standard errors it lies above that of the training images
themselves, and the coverage, in the features of a random network and, where the data set has one, of its judge. Then
what share of training images with a fault count as copies.
"""

import argparse
from collections.abc import Callable
from math import hypot
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models.judge import FOLDER, load_judge
from worker.training.data import load_dataset
from worker.training.metrics import nearest_of
from worker.training.random_network import RandomNetwork
from worker.training.reference import Network, Reference, see
from worker.training.scorer import has_judge

IMAGES = 2000
COPIED_FROM = 4000  # training images among which copies are looked for


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="folder of a data set with test images")
    folder = parser.parse_args().dataset
    torch.manual_seed(0)
    train, test = load_dataset(folder).images, load_dataset(folder, split="t10k").images
    n = min(IMAGES, len(test))
    m = min(IMAGES, len(train) // 2) // n * n
    networks: dict[str, Network] = {"random network": RandomNetwork(load_dataset(folder).shape)}
    if has_judge(folder):
        networks["judge"] = load_judge(folder / FOLDER)
    clean, others = train[:m], train[m : 2 * m]
    faults: dict[str, Tensor] = {
        "none: other training images": others,
        "noise of deviation 20": noisy(clean, 20),
        "blur of 3x3 pixels": of_floats(clean, blurred),
        "blend with a third of another": (clean.float() * 2 / 3 + others.float() / 3).round().byte(),
        "shift by 2 pixels": clean.roll(2, 1),
        "hole of 4x4 pixels": holed(clean),
        "a tenth of them, ten times": clean[: m // 10].repeat(10, 1, 1, 1),
    }
    for name, network in networks.items():
        reference = Reference.of(see(network, test[:n])[0])
        floor = reference.score(see(network, clean)[0])
        print(f"{name}: {m} images beside {n}; floor: kid {floor.kid:.4f} ± {floor.kid_error:.4f}")
        for fault, images in faults.items():
            scores = reference.score(see(network, images)[0])
            above = ((scores.kid or 0.0) - (floor.kid or 0.0)) / hypot(scores.kid_error or 0.0, floor.kid_error or 0.0)
            print(f"  {fault:30} kid {scores.kid:8.4f}, {above:6.1f} errors above; coverage {scores.coverage:.3f}")

    there = train[:COPIED_FROM]
    some = there[:300]
    copies: dict[str, Tensor] = {
        "test images": test[:300],
        "copies": some,
        "copies with noise of deviation 10": noisy(some, 10),
        "copies with noise of deviation 25": noisy(some, 25),
        "copies with a fifth of another": (some.float() * 0.8 + there[-len(some) :].float() * 0.2).round().byte(),
        "blurred copies": of_floats(some, blurred),
        "copies shifted by a pixel": some.roll(1, 2),
        "blends of two": (some.float() / 2 + there[-len(some) :].float() / 2).round().byte(),
    }
    print(f"copies among {len(there)} training images")
    for kind, images in copies.items():
        print(f"  {kind:36} {nearest_of(images, there).copied_share:.3f}")


def noisy(images: Tensor, deviation: float) -> Tensor:
    """Normal noise added to uint8 images."""
    return (images.float() + deviation * torch.randn(images.shape)).clamp(0, 255).round().byte()


def of_floats(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """What a function of floats [B, C, H, W] makes of uint8 images [B, H, W, C]."""
    return change(images.permute(0, 3, 1, 2).float()).clamp(0, 255).round().byte().permute(0, 2, 3, 1)


def blurred(images: Tensor) -> Tensor:
    """The mean of 3x3 pixels."""
    return F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def holed(images: Tensor) -> Tensor:
    """A square of black in the middle."""
    middle = slice(images.shape[1] // 2 - 2, images.shape[1] // 2 + 2)
    holed = images.clone()
    holed[:, middle, middle] = 0
    return holed


if __name__ == "__main__":
    main()
