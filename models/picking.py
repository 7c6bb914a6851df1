"""Drawing a wanted class from a generator that was not told the classes: it draws, and the judge picks."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from models.dcgan import Generator
from models.folding import BATCH, FoldedGenerator
from models.judge import Judge
from models.sampling import draw

CANDIDATES = 8 * BATCH
SURE = 0.95


def pick(
    G: Generator | FoldedGenerator, judge: Judge, seed: int, start: int, n: int, wanted: Sequence[int]
) -> np.ndarray:
    """Images `start` to `start + n - 1` of a seed, image k of the k-th wanted class, cycling: uint8 [n, H, W, C].

    Image k is the first of the images 128 k to 128 k + 127 that `draw` gives which the judge is sure of; if it is of
    none, the one it is surest of. So it is a function of (weights, judge, seed, wanted class, k), and costs 128
    drawings at most.
    """
    folded = G if isinstance(G, FoldedGenerator) else FoldedGenerator.of(G)
    picked = np.empty((n, *folded.shape.array), dtype=np.uint8)
    for place, k in enumerate(range(start, start + n)):
        *_, picked[place] = search(folded, judge, seed, k, wanted[k % len(wanted)])
    return picked


@torch.inference_mode()
def search(G: FoldedGenerator, judge: Judge, seed: int, k: int, wanted: int) -> Iterator[np.ndarray]:
    """Image k of a seed for a wanted class, uint8 [H, W, C]: after each turn of G the best so far, until it is the one.

    A judge reads whole batches, so that what it says of an image does not depend on how long G takes.
    """
    best, surest = np.zeros(G.shape.array, np.uint8), -1.0
    for first in range(k * CANDIDATES, (k + 1) * CANDIDATES, BATCH):
        images = np.empty((BATCH, *G.shape.array), np.uint8)
        for place in range(0, BATCH, G.turn):
            if place:
                yield best
            images[place : place + G.turn] = draw(G, seed, first + place, G.turn)
        _, logits = judge(torch.from_numpy(images))
        probabilities = logits.softmax(1)[:, wanted]
        sure = (probabilities >= SURE).nonzero()
        candidate = int(sure[0]) if len(sure) else int(probabilities.argmax())
        if float(probabilities[candidate]) > surest:
            best, surest = images[candidate], float(probabilities[candidate])
        yield best
        if surest >= SURE:
            return
