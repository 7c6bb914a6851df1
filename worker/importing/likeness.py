"""Images that are the same as others, or nearly so."""

from collections.abc import Callable, Iterator

import numpy as np

from worker.importing.pixels import as_grey

NEAR = 0.03  # mean difference of the luma over its standard deviation in one image: what a lossy format may change
SAME_TINT = 4  # levels between the means of each channel; lossy formats blur colours but keep their means
MOST_COMPARED = 500  # images of one hash; more of them say little of each other, and take long


def first_of_equals(digests: np.ndarray, preference: np.ndarray) -> np.ndarray:
    """For each image the place of the one that stands for all with its pixels: int64 [N].

    `digests` is uint64 [N, 4]; `preference` [N, k] orders the equal ones, the least first, by its columns in turn.
    """
    keys = (*reversed(preference.T), *reversed(digests.T))
    order = np.lexsort(keys)
    ordered = digests[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(order), np.int64)
    first[order] = order[starts][np.cumsum(starts) - 1]
    return first


def near_pairs(
    places: np.ndarray, hashes: np.ndarray, light: np.ndarray, take: Callable[[np.ndarray], np.ndarray]
) -> Iterator[tuple[int, int]]:
    """Pairs of images that are nearly the same, each once, among those at `places`.

    `hashes` and `light` are the fingerprints of all images; `take` gives the pixels at places. Images are compared when
    they share a perceptual hash, across or down.
    """
    met: set[tuple[int, int]] = set()
    for hash_of in hashes.T:
        order = places[np.argsort(hash_of[places], kind="stable")]
        changes = np.flatnonzero(np.diff(hash_of[order])) + 1
        for group in np.split(order, changes):
            if 1 < len(group) <= MOST_COMPARED:
                new = set(_near_in(group, light, take)) - met
                met |= new
                yield from new


def _near_in(
    group: np.ndarray, light: np.ndarray, take: Callable[[np.ndarray], np.ndarray]
) -> Iterator[tuple[int, int]]:
    group = group[np.argsort(light[group, 0], kind="stable")]
    means, deviations, *_ = light[group].T
    tints = light[group, 2:]
    # The means of two images differ by no more than their pixels do in the mean.
    stops = np.searchsorted(means, means + NEAR * deviations, side="right")
    if (stops <= np.arange(1, len(group) + 1)).all():
        return
    pixels = as_grey(take(group)).reshape(len(group), -1).astype(np.int16)
    for k, stop in enumerate(stops):
        others = slice(k + 1, stop)
        differences = np.abs(pixels[others] - pixels[k]).mean(axis=1)
        near = differences <= NEAR * np.minimum(deviations[others], deviations[k])
        near &= np.abs(tints[others] - tints[k]).max(axis=1) <= SAME_TINT
        for other in np.flatnonzero(near) + k + 1:
            low, high = sorted((int(group[k]), int(group[other])))
            yield low, high
