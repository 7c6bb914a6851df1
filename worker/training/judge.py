"""`python -m worker.training.judge datasets/mnist`: train the judge of a data set with labels and a test split.

It is trained once and then frozen: another judge gives other scores. That of an imported data set is trained by the
first run on it, see `worker/training/judging.py`. Exit status: 0 trained, 1 the data set is bad, 2 wrong arguments.
"""

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save as format_tensors
from torch import Tensor
from torch.nn import functional as F

from core.files import new_folder, sha256_of
from core.recipe import MAX_SEED
from models.judge import FOLDER, JUDGE_CARD, REFERENCE, WEIGHTS, Judge, JudgeCard
from worker.training.arguments import Parser, whole_number
from worker.training.data import Dataset, load_dataset
from worker.training.errors import BadData
from worker.training.health import absent_classes, ranges
from worker.training.metrics import K
from worker.training.process import versions
from worker.training.reference import LARGEST, Reference, read
from worker.training.scorer import evenly, floor_images
from worker.training.streams import escape_what_does_not_fit, heard

BATCH_SIZE = 128
PEAK_RATE = 3e-3
WEIGHT_DECAY = 1e-2
ROTATION, SCALING, SHIFT = math.radians(12), 0.1, 2 / 14  # largest; the shift is in half images


EachStep = Callable[[int, int, Tensor], None]  # the epoch under way, from 1, steps done of all epochs, and the loss


def train_judge(train: Dataset, classes: int, epochs: int, seed: int, each_step: EachStep) -> Judge:
    """Train a judge on labelled images: AdamW with one cycle of the rate (Smith & Topin, 2019), images warped.

    `each_step` is called after each step, and may raise to end it.
    """
    assert train.labels is not None
    torch.manual_seed(seed)
    judge = Judge(classes, train.shape)
    batches, step = len(train) // BATCH_SIZE, 0
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=epochs * batches)
    for epoch in range(epochs):
        order = torch.randperm(len(train))
        for chosen in torch.split(order[: batches * BATCH_SIZE], BATCH_SIZE):
            _, logits = judge(warp(train.images[chosen]))
            loss = F.cross_entropy(logits, train.labels[chosen])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            step += 1
            each_step(epoch + 1, step, loss.detach())
    return judge.eval().requires_grad_(False)


def warp(pixels: Tensor) -> Tensor:
    """Turn, scale and shift each image a little, by chance: uint8 [B, H, W, C] -> float [B, H, W, C]."""
    b = len(pixels)
    turn, scale, shift = _uniform(b) * ROTATION, 1 + _uniform(b) * SCALING, _uniform(b, 2) * SHIFT
    cos, sin = scale * turn.cos(), scale * turn.sin()
    matrices = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # [B, 2, 2]
    images = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)  # [B, C, H, W]
    grid = F.affine_grid(torch.cat([matrices, shift[:, :, None]], 2), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False).permute(0, 2, 3, 1)


def save_judge(folder: Path, judge: Judge, train: Dataset, test: Dataset, epochs: int, seed: int) -> JudgeCard:
    """Write a judge with its reference and its floor. Raises FileExistsError when `folder` exists."""
    assert test.labels is not None
    test_features, test_logits = read(judge, test.images)
    reference = Reference.of(evenly(test_features, LARGEST), evenly(test.labels, LARGEST))
    expected = None if train.class_shares is None else torch.tensor(train.class_shares).double()
    compared = floor_images(len(reference.features), reference.blocks, len(train))
    floor = reference.score(*read(judge, train.images[:compared]), expected=expected)
    with new_folder(folder, label="judge") as temporary:
        (temporary / WEIGHTS).write_bytes(format_tensors(judge.state_dict()))
        (temporary / REFERENCE).write_bytes(format_tensors(reference.as_tensors()))
        card = JudgeCard(
            classes=judge.classes,
            image_shape=judge.shape,
            class_shares=None if train.class_shares is None else list(train.class_shares),
            accuracy=float((test_logits.argmax(1) == test.labels).double().mean()),
            epochs=epochs,
            seed=seed,
            dataset_sha256=train.sha256,
            versions=versions(),
            floor=floor,
            sha256={name: sha256_of(temporary / name) for name in (WEIGHTS, REFERENCE)},
        )
        (temporary / JUDGE_CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def main() -> int:
    """Train the judge of the folder that is named, and say how good it is."""
    escape_what_does_not_fit()
    parser = Parser(prog="python -m worker.training.judge", description=__doc__)
    parser.add_argument("dataset", type=Path, help="folder of the data set")
    parser.add_argument("--classes", type=whole_number(2, 256), default=10, help="default: %(default)s")
    parser.add_argument("--epochs", type=whole_number(1, 10_000), default=12, help="default: %(default)s")
    parser.add_argument("--seed", type=whole_number(0, MAX_SEED), default=0, help="default: %(default)s")
    arguments = parser.parse_args()
    folder = arguments.dataset / FOLDER
    if folder.exists():
        print(f"error: {folder} exists; its scores would no longer mean the same, so remove it first", file=sys.stderr)
        return 2

    def each_step(epoch: int, step: int, loss: Tensor) -> None:
        if step % (len(train) // BATCH_SIZE) == 0:
            words = f"epoch {epoch} of {arguments.epochs}: loss {float(loss):.3f}"
            heard(print, words, file=sys.stderr, flush=True)

    try:
        train = load_dataset(arguments.dataset, classes=arguments.classes)
        test = load_dataset(arguments.dataset, classes=arguments.classes, split="t10k")
        _check_enough(arguments.dataset, "training", train, BATCH_SIZE, arguments.classes)
        _check_enough(arguments.dataset, "test", test, K + 1, arguments.classes)
        if not os.access(arguments.dataset, os.W_OK):
            raise BadData(f"{arguments.dataset}: cannot be written, and the judge's place is in it")
        judge = train_judge(train, arguments.classes, arguments.epochs, arguments.seed, each_step)
        card = save_judge(folder, judge, train, test, arguments.epochs, arguments.seed)
    except (BadData, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    heard(print, f"{folder}: judge {card.judge_id} reads {card.accuracy:.2%} of the test images", flush=True)
    return 0


def _check_enough(folder: Path, split: str, dataset: Dataset, least: int, classes: int) -> None:
    """Raise BadData for a split with fewer than `least` images, or with none of some class among those compared."""
    if len(dataset) < least:
        raise BadData(f"{folder}: holds {len(dataset)} {split} images; a judge needs {least} or more")
    assert dataset.labels is not None
    absent = absent_classes(evenly(dataset.labels, LARGEST), classes)
    if absent:
        raise BadData(
            f"{folder}: no {split} image is of class {ranges(absent)}; a judge needs images of each of its classes, "
            f"which are {classes}"
        )


def _uniform(*shape: int) -> Tensor:
    return torch.rand(*shape) * 2 - 1


if __name__ == "__main__":
    sys.exit(main())
