"""Image k of (model, seed) has the same bytes for every n, start, neighbour, load and process."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import httpx
import numpy as np
import pytest

from core.card import read_card
from models.checkpoint import load_generator
from models.directions import nudged
from models.folding import FoldedGenerator
from models.plane import Point, latents_at
from models.sampling import draw, draw_latents
from models.shelf import PRETRAINED
from tests.app.images.reading import pixels
from tests.service import Service
from tests.tiny import one_thread

SEEDS = 210
CLIENTS = 32
SIZES = [1, 4, 16, 1, 4, 64, 16, 1, 4, 16, 64, 4, 16, 1, 256]  # many small ones, some large


@pytest.fixture(scope="module")
def model() -> str:
    """The shipped model: wide enough for its sums to depend on how they are cut, were they cut."""
    return read_card(PRETRAINED).model_id


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two processes that remember nothing, so that each answer is drawn."""
    with Service(tmp_path_factory.mktemp("exact"), api_processes="2", cache_mb="0") as running:
        yield running


@pytest.fixture(scope="module")
def service_http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.base, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def urls(model: str) -> list[str]:
    return [
        f"/generate?model={model}&seed={10**6 + seed}&n={n}&start={seed % 37}&pad=0&cols=1"
        for seed, n in enumerate(islice(cycle(SIZES), SEEDS))
    ]


def last_of(url: str) -> str:
    """The URL of the last image of a grid, alone."""
    params = httpx.URL(url).params
    return str(httpx.URL(url).copy_merge_params({"n": 1, "start": int(params["start"]) + int(params["n"]) - 1}))


def images(answer: httpx.Response) -> np.ndarray:
    return pixels(answer).reshape(-1, 28, 28)


def test_an_image_is_a_function_of_model_seed_and_number(
    service: Service, service_http: httpx.Client, urls: list[str]
) -> None:
    alone = {url: service_http.get(url) for url in urls}

    here = FoldedGenerator.of(load_generator(PRETRAINED))  # another process than the service, as after a restart
    for url in urls:
        seed, start, n = (int(httpx.URL(url).params[name]) for name in ("seed", "start", "n"))
        first = max(0, start - 5)
        with one_thread():
            expected = draw(here, seed, first, 16)[start - first :][:n]
        assert np.array_equal(images(alone[url])[: len(expected)], expected[..., 0]), url

    singles = [last_of(url) for url in urls]
    mixed = [*urls, *singles]
    random.Random(0).shuffle(mixed)
    with httpx.Client(base_url=service.base, timeout=60) as client, ThreadPoolExecutor(CLIENTS) as pool:
        together = dict(zip(mixed, pool.map(client.get, mixed), strict=True))
    for url, single in zip(urls, singles, strict=True):
        assert together[url].content == alone[url].content, url
        assert np.array_equal(images(together[single])[0], images(alone[url])[-1]), single


def test_so_is_one_between_seeds_or_moved_along_directions(service_http: httpx.Client, model: str) -> None:
    here = FoldedGenerator.of(load_generator(PRETRAINED))
    step = here.directions.step([(0, 150), (7, -325)])
    asked = {  # by n and start
        (n, start): f"/generate?model={model}&at=1.5,{start}.125&n={n}&start={start}&nudge=0:1.5,7:-3.25&pad=0&cols=1"
        for start, n in enumerate([1, 4, 16, 1, 64, 4, 1, 16] * 3)
    }
    with ThreadPoolExecutor(CLIENTS) as pool:
        together = dict(zip(asked, pool.map(service_http.get, asked.values()), strict=True))
    for (n, start), answer in together.items():
        rows = latents_at(Point(1500, 1000 * start + 125), start, n, here.z_dim, here.classes)
        with one_thread():
            assert np.array_equal(images(answer), draw_latents(here, nudged(rows, step))[..., 0])
    for place, url in asked.items():
        assert service_http.get(url).content == together[place].content, url
        assert np.array_equal(images(service_http.get(last_of(url)))[0], images(together[place])[-1]), url
