"""Which images become the data set, and which of them test it."""

from dataclasses import dataclass

import numpy as np

from core.import_limits import LEAST_IMAGES
from core.import_options import SplitRule
from core.import_vocabulary import ProblemCode
from worker.importing.arrivals import Arrivals
from worker.importing.classes import UNLABELLED, Classes, without_training
from worker.importing.likeness import first_of_equals, near_pairs
from worker.importing.made import Made
from worker.importing.problems import Problems
from worker.importing.raw import SourceRejected

TEST_SHARE = 0.1


@dataclass(frozen=True)
class Selection:
    """The images of a data set by the places where they came, in the order of their SHA-256."""

    train: np.ndarray  # int64
    test: np.ndarray
    classes: Classes
    duplicates: int  # images that were dropped for being the same as another
    near_duplicates: int  # images that stay


def select(
    came: Arrivals, classes: Classes, made: Made, split: SplitRule, is_split: bool, problems: Problems
) -> Selection:
    """Drop what a data set must not hold, and split the rest, unless it `is_split` already.

    Raises SourceRejected when too few are left.
    """
    kept = np.ones(len(came), bool)
    if classes.names:
        _drop(kept, classes.numbers == UNLABELLED, ProblemCode.NO_LABEL, "has no label; others have", came, problems)
    _drop(kept, made.blank, ProblemCode.BLANK, "is one colour all over", came, problems)
    tests = np.array([which == "test" for which in came.splits], bool)
    split_came = split == "auto" and (is_split or bool((tests & kept).any() and (~tests & kept).any()))
    tests &= split_came
    digests = made.prints.digests
    duplicates = _drop_duplicates(kept, tests, digests, classes, came, problems)
    places = np.flatnonzero(kept)
    places = places[np.lexsort(tuple(reversed(digests[places].T)))]
    near = _near_ones(places, tests, made, came, problems)
    kept[list(near.dropped)] = False
    places = places[kept[places]]
    _check_count(places)
    if split == "auto" and not split_came:
        tests = _set_apart(places, digests, classes, near.kept)
    classes = without_training(classes, places[~tests[places]])
    untrained = bool(classes.names) & kept & (classes.numbers == UNLABELLED)
    _drop(kept, untrained, ProblemCode.BAD_LABEL, "is of a class that no training image is of", came, problems)
    places = places[kept[places]]
    _check_count(places)
    _check_count(places[~tests[places]], LEAST_IMAGES - round(TEST_SHARE * LEAST_IMAGES))
    return Selection(places[~tests[places]], places[tests[places]], classes, duplicates, len(near.kept))


def _check_count(places: np.ndarray, least: int = LEAST_IMAGES) -> None:
    if len(places) < least:
        raise SourceRejected(f"{len(places)} images are left to train on; allowed: {least} or more")


def _drop(kept: np.ndarray, which: np.ndarray, code: ProblemCode, detail: str, came: Arrivals, to: Problems) -> None:
    for place in np.flatnonzero(kept & which):
        to.note(came.files[place], code, detail, "dropped")
    kept &= ~which


def _drop_duplicates(
    kept: np.ndarray, tests: np.ndarray, digests: np.ndarray, classes: Classes, came: Arrivals, problems: Problems
) -> int:
    """Keep one of each: a training image before a test image, then the lower class, whatever order they came in."""
    places = np.flatnonzero(kept)
    preference = np.stack([tests[places], classes.numbers[places], places], axis=1)
    first = places[first_of_equals(digests[places], preference)]
    for place, other in zip(places, first, strict=True):
        if place == other:
            continue
        kept[place] = False
        detail = f"has the same pixels as {came.files[other]}"
        if classes.names and classes.numbers[place] != classes.numbers[other]:
            detail += f", which has another label: {came.labels[other]}, not {came.labels[place]}"
        across = tests[place] and not tests[other]
        code = ProblemCode.IN_BOTH_SPLITS if across else ProblemCode.DUPLICATE
        problems.note(came.files[place], code, detail, "dropped")
    return int((places != first).sum())


@dataclass(frozen=True)
class _Near:
    kept: set[int]  # images that nearly repeat another, or that another nearly repeats
    dropped: set[int]  # test images that nearly repeat a training image


def _near_ones(places: np.ndarray, tests: np.ndarray, made: Made, came: Arrivals, problems: Problems) -> _Near:
    rank = {int(place): k for k, place in enumerate(places)}
    pairs = list(near_pairs(places, made.prints.hashes, made.prints.light, made.take))
    dropped: set[int] = set()
    for pair in sorted(pairs, key=lambda pair: sorted((rank[pair[0]], rank[pair[1]]))):
        test, train = sorted(pair, key=lambda place: not tests[place])
        if tests[test] and not tests[train] and test not in dropped:
            dropped.add(test)
            detail = f"is nearly the same as {came.files[train]}, a training image"
            problems.note(came.files[test], ProblemCode.IN_BOTH_SPLITS, detail, "dropped")
    kept: set[int] = set()
    repeats: dict[int, int] = {}
    for pair in pairs:
        if dropped.isdisjoint(pair):
            first, second = sorted(pair, key=rank.__getitem__)
            kept |= {first, second}
            repeats[second] = min(first, repeats.get(second, first), key=rank.__getitem__)
    for second in sorted(repeats, key=rank.__getitem__):
        detail = f"is nearly the same as {came.files[repeats[second]]}"
        problems.note(came.files[second], ProblemCode.NEAR_DUPLICATE, detail, "kept")
    return _Near(kept, dropped)


def _set_apart(places: np.ndarray, digests: np.ndarray, classes: Classes, near: set[int]) -> np.ndarray:
    """Which images test, a tenth of each class: bool for all that came. None that another nearly repeats is one.

    `places` is in the order of the digests. Their other end chooses, so that both parts are fair samples.
    """
    numbers = classes.numbers[places]
    _, firsts, counts = np.unique(numbers, return_index=True, return_counts=True)
    free = np.array([int(place) not in near for place in places], bool)
    free[firsts] = False  # each class is trained on
    tests = np.zeros(len(digests), bool)
    for number, quota in zip(numbers[firsts], _quotas(counts, round(TEST_SHARE * len(places))), strict=True):
        candidates = places[free & (numbers == number)]
        tests[candidates[np.argsort(digests[candidates, -1], kind="stable")][:quota]] = True
    return tests


def _quotas(counts: np.ndarray, total: int) -> np.ndarray:
    """How many of each class make `total`, by their shares; what rounding leaves goes to the largest remainders."""
    exact = counts * (total / counts.sum())
    quotas: np.ndarray = np.floor(exact).astype(int)
    quotas[np.argsort(quotas - exact, kind="stable")[: total - quotas.sum()]] += 1
    return quotas
