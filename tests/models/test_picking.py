import numpy as np
import pytest
import torch

from models.checkpoint import load_generator
from models.dcgan import Generator
from models.judge import FOLDER, Judge, load_judge
from models.picking import CANDIDATES, SURE, pick
from models.sampling import draw
from models.shelf import PRETRAINED
from tests.tiny import networks, tiny_recipe
from worker.training.data import EMBEDDED
from worker.training.reference import read


@pytest.fixture(scope="module")
def shipped() -> Generator:
    """It knows classes; undirected, it draws whatever comes, as a model without them does."""
    return load_generator(PRETRAINED)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load_judge(EMBEDDED / "mnist" / FOLDER)


def test_the_picked_images_are_the_wanted_digits(shipped: Generator, judge: Judge) -> None:
    wanted = [7, 0, 3]
    images = pick(shipped, judge, 5, 0, 30, wanted)
    probabilities = read(judge, torch.from_numpy(images))[1].softmax(1)
    assert all(float(probabilities[k, wanted[k % 3]]) > SURE - 0.01 for k in range(30))


def test_a_picked_image_does_not_depend_on_the_others(shipped: Generator, judge: Judge) -> None:
    many = pick(shipped, judge, 5, 0, 12, [7, 1])
    for start, n in ((0, 1), (5, 1), (3, 6)):
        assert np.array_equal(pick(shipped, judge, 5, start, n, [7, 1]), many[start : start + n])


def test_the_first_sure_candidate_is_picked(shipped: Generator, judge: Judge) -> None:
    k = 3
    candidates = draw(shipped, 5, k * CANDIDATES, CANDIDATES)
    sure = read(judge, torch.from_numpy(candidates))[1].softmax(1)[:, 4] >= SURE
    first = int(sure.nonzero()[0])
    assert np.array_equal(pick(shipped, judge, 5, k, 1, [4])[0], candidates[first])


def test_where_no_candidate_is_sure_the_surest_is_picked(judge: Judge) -> None:
    G, _ = networks(tiny_recipe())  # draws noise
    G.eval()
    candidates = draw(G, 1, 2 * CANDIDATES, CANDIDATES)
    probabilities = read(judge, torch.from_numpy(candidates))[1].softmax(1)
    wanted = int(probabilities.max(0).values.argmin())
    assert float(probabilities[:, wanted].max()) < SURE
    assert np.array_equal(pick(G, judge, 1, 2, 1, [wanted])[0], candidates[int(probabilities[:, wanted].argmax())])
