"""Diagnosis of a run that goes wrong, from its labels before it starts, and from its GAN at the end of each epoch.

Pure functions; a finding is a warning, not an end. Each names the knob to turn. What only ends a run, numbers that are
not finite, is the loop's own business.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from core.scores import ScoreSheet
from worker.training.data import Dataset

EVERY = 10_000  # real images shown between two diagnoses; before the first a run draws noise, and that is not wrong
OVERPOWERING = 0.95  # D is this sure of both kinds
TOO_WEAK = 0.02  # real images are real to D by no more than this
STUCK = 1.0  # grey levels that a pixel changes in an epoch
STUCK_RATE = 0.2  # share of the learning rate below which small changes are meant
FLAT = 0.5  # contrast beside real images
ALIKE = 0.5  # distance between images beside real ones
RARE = 0.1  # of the share that a class is to have
COPIES = 0.05  # more copies of training images than among test images
CHECKERED = 4.0  # times the finest pattern of real images,
VISIBLE = 0.005  # and this share of the variance: in smooth images four times as much is still nothing
RANGES = 10  # of classes that one warning names
TINY = 1e-9  # real images may be all alike


class Finding(NamedTuple):
    """One thing that looks wrong: its name, what was seen, and which knob may help."""

    kind: str
    detail: str
    hint: str


class Snapshot(NamedTuple):
    """What a diagnosis is read from: an epoch's means, and its images at fixed latents beside as many real ones."""

    means: dict[str, float]
    drawn: Tensor  # uint8 [N, H, W, C]
    drawn_before: Tensor | None  # the same latents at the last diagnosis
    real: Tensor  # uint8 [N, H, W, C]
    rate: float  # what is left of the learning rates, 0 to 1
    scores: ScoreSheet | None


def diagnose(snapshot: Snapshot) -> list[Finding]:
    """All that looks wrong at the end of an epoch."""
    found = [*_balance(snapshot.means), *_movement(snapshot), *_pictures(snapshot)]
    return found if snapshot.scores is None else [*found, *_classes(snapshot.scores), *_copies(snapshot.scores)]


def diagnose_labels(dataset: Dataset, classes: int) -> list[Finding]:
    """What looks wrong before the start: classes that no image is of."""
    if dataset.labels is None:
        return []
    absent = absent_classes(dataset.labels, classes)
    if not absent:
        return []
    if left_out := [label for label in absent if label in dataset.left_out]:
        advice = f"raise num_images, which leaves out images of {ranges(left_out)}, or shuffle the images"
    elif absent[0] > int(dataset.labels.max()):
        advice = f"set classes to {absent[0]}"
    else:
        advice = "number the labels from 0 without gaps, and set classes to how many there are"
    detail = f"none of the {len(dataset)} images is of class {ranges(absent)}: {len(absent)} of {classes} classes"
    often = "as often as the others" if dataset.class_shares is None else "only where they are asked for"
    hint = f"/generate draws these {often}, though they are learned from nothing: {advice}"
    return [Finding("untrained-classes", detail, hint)]


def absent_classes(labels: Tensor, classes: int) -> list[int]:
    """The classes, in order, that no label [N] says."""
    present = set(labels.tolist())
    return [label for label in range(classes) if label not in present]


def ranges(numbers: list[int]) -> str:
    """Ascending numbers in words, as in `0, 3 to 5, 9`."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        joined = found and found[-1][1] == number - 1
        found.append((found.pop()[0] if joined else number, number))
    shown = [f"{first} to {last}" if first < last else f"{first}" for first, last in found[:RANGES]]
    return ", ".join(shown) + (", ..." if len(found) > RANGES else "")


def contrast(images: Tensor) -> float:
    """Mean over images [N, H, W, C] of the standard deviation of their values."""
    return float(images.flatten(1).float().std(dim=1).mean())


def spread(images: Tensor) -> float:
    """Mean Euclidean distance between two of the images [N, H, W, C], in grey levels."""
    return float(torch.pdist(images.flatten(1).float()).mean())


def checkering(images: Tensor) -> float:
    """Share of the images' variance in patterns that alternate from pixel to pixel, 0 to 1 (Odena et al., 2016)."""
    spectrum = torch.fft.fft2(images.float(), dim=(1, 2)).abs().square().sum((0, 3))  # [H, W]
    spectrum[0, 0] = 0.0
    h, w = (size // 2 for size in spectrum.shape)
    finest = spectrum[h].sum() + spectrum[:, w].sum() - spectrum[h, w]
    return float(finest / spectrum.sum().clamp(min=TINY))


def _balance(means: dict[str, float]) -> Iterator[Finding]:
    real, fake = means["d_real"], means["d_fake"]
    seen = f"mean D(x) is {real:.3f}, mean D(G(z)) is {fake:.3f}"
    if real > OVERPOWERING and fake < 1 - OVERPOWERING:
        hint = "lower lr_d or d_steps, or raise dropout or lr_g, so that G can follow"
        yield Finding("d-overpowering", seen, hint)
    if real - fake < TOO_WEAK:
        yield Finding(
            "d-too-weak", seen, "raise d_filters, d_layers, d_steps or lr_d, so that D has something to teach"
        )


def _movement(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.drawn_before is None or snapshot.rate < STUCK_RATE:
        return
    change = float((snapshot.drawn.float() - snapshot.drawn_before.float()).abs().mean())
    if change < STUCK:
        detail = f"images at fixed latents changed by {change:.2f} grey levels a pixel since the last look"
        yield Finding("stuck", detail, "raise lr_g, or lower ema_half_life_kimg if the average lags behind")


def _pictures(snapshot: Snapshot) -> Iterator[Finding]:
    flat = contrast(snapshot.drawn) / max(contrast(snapshot.real), TINY)
    if flat < FLAT:
        detail = f"drawn images have {flat:.2f} of the contrast of real ones"
        yield Finding("grey-output", detail, "lower lr_g and lr_d, or give it more epochs")
        return  # what is flat is also alike
    alike = spread(snapshot.drawn) / max(spread(snapshot.real), TINY)
    if alike < ALIKE:
        detail = f"drawn images lie {alike:.2f} times as far from each other as real ones"
        yield Finding("collapse", detail, "lower lr_g, raise batch_size, or set d_norm to batch")
    share = checkering(snapshot.drawn)
    fine = share / max(checkering(snapshot.real), TINY)
    if fine > CHECKERED and share > VISIBLE:
        detail = f"drawn images alternate from pixel to pixel {fine:.1f} times as strongly as real ones"
        yield Finding("checkerboard", detail, "lower lr_g, raise ema_half_life_kimg, or give it more epochs")


def _classes(scores: ScoreSheet) -> Iterator[Finding]:
    smallest, of_real = scores.smallest_class, scores.floor.smallest_class
    if smallest is None or of_real is None or scores.class_coverage is None:
        return
    if smallest < RARE / len(scores.class_coverage) < of_real:
        detail = f"one class makes up {smallest:.1%} of the images"
        yield Finding("missing-class", detail, "set classes to the number of labels, or lower lr_g")


def _copies(scores: ScoreSheet) -> Iterator[Finding]:
    of_real = scores.floor.memorised or 0.0
    if scores.memorised is not None and scores.memorised > of_real + COPIES:
        detail = f"{scores.memorised:.1%} of the images are copies of training images, {of_real:.1%} of the test images"
        hint = "look at the closest pairs; more images help, a smaller g_filters or fewer epochs may"
        yield Finding("memorised", detail, hint)
