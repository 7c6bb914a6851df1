"""The renderer with real models, and over HTTP with real clients."""

import asyncio
import re
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import inf
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from app.drawing.renderer import Drawn, Renderer
from app.drawing.scheduler import Overloaded
from app.drawing.shared_counts import SharedCounts
from app.drawing.sources import SeedSource
from core.errors import CheckpointError
from models.checkpoint import load_generator
from models.folding import FoldedGenerator
from models.sampling import draw
from models.shelf import Shelf
from tests.service import Service, wait_until
from tests.tiny import flip_byte, one_thread, save_tiny
from worker.training.data import EMBEDDED


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def shelve(shelf: Shelf, folder: Path, **knobs: Any) -> str:
    save_tiny(folder, **knobs)
    return shelf.add(folder).model_id


def run_with(shelf: Shelf, max_bytes: int, use: Any, patience_s: float = inf) -> None:
    async def main() -> None:
        renderer = Renderer(shelf, EMBEDDED, EMBEDDED, max_bytes, SharedCounts(), patience_s=patience_s)
        try:
            await use(renderer)
        finally:
            renderer.close()

    asyncio.run(main())


async def draw_from(renderer: Renderer, model_id: str, seed: int, n: int) -> Drawn:
    return await renderer.render(SeedSource(await renderer.models.get(model_id), n, seed))


def test_the_model_that_was_not_used_for_the_longest_time_goes(shelf: Shelf, tmp_path: Path) -> None:
    ids = [shelve(shelf, tmp_path / str(seed), seed=seed, dataset="none") for seed in range(3)]
    generators = [load_generator(shelf.folder(model_id)) for model_id in ids]
    size = FoldedGenerator.of(generators[0]).size

    async def use(renderer: Renderer) -> None:
        for step, kept in ((0, [0]), (1, [0, 1]), (0, [1, 0]), (2, [0, 2]), (1, [2, 1])):
            drawn = await draw_from(renderer, ids[step], 3, 20)
            assert np.array_equal(drawn.images, draw(generators[step], 3, 0, 20))
            assert renderer.loaded() == [ids[index] for index in kept]

    run_with(shelf, 2 * size, use)


def test_a_model_larger_than_the_bound_is_drawn_from(shelf: Shelf, tmp_path: Path) -> None:
    model_id = shelve(shelf, tmp_path / "model")

    async def use(renderer: Renderer) -> None:
        assert (await draw_from(renderer, model_id, 0, 1)).images.shape == (1, 28, 28, 1)

    run_with(shelf, 1, use)


def test_a_damaged_model_fails_all_who_wait_for_it_and_nobody_else(shelf: Shelf, tmp_path: Path) -> None:
    damaged, sound = (shelve(shelf, tmp_path / str(seed), seed=seed) for seed in (1, 2))
    flip_byte(shelf.folder(damaged) / "generator.safetensors", -1)

    async def use(renderer: Renderer) -> None:
        asked = [asyncio.create_task(draw_from(renderer, model, 0, 1)) for model in (damaged, sound, damaged)]
        await asyncio.wait(asked)
        assert isinstance(asked[0].exception(), CheckpointError)
        assert asked[1].result().images.shape == (1, 28, 28, 1)
        assert isinstance(asked[2].exception(), CheckpointError)
        assert renderer.loaded() == [sound]

    run_with(shelf, 10**6, use)


def test_a_cancelled_drawing_is_not_drawn(shelf: Shelf) -> None:
    async def use(renderer: Renderer) -> None:
        await renderer.warm_up(shelf.active())
        first, second = (asyncio.create_task(draw_from(renderer, shelf.active(), seed, 256)) for seed in (1, 2))
        await asyncio.sleep(0)
        second.cancel()
        images = (await first).images
        assert second.cancelled()
        with one_thread():
            assert np.array_equal(images[:16], draw(load_generator(shelf.folder(shelf.active())), 1, 0, 16))

    run_with(shelf, 10**8, use)


def test_a_request_that_waits_too_long_gives_its_place_up(shelf: Shelf) -> None:
    async def stays(others_wait: bool) -> bool:
        return False

    async def use(renderer: Renderer) -> None:
        with suppress(Overloaded):
            await renderer.warm_up(shelf.active())
        await _loaded(renderer)
        G = await renderer.models.get(shelf.active())
        waiting = [renderer.render(SeedSource(G, 256, seed), stays) for seed in range(16)]
        found = await asyncio.gather(*waiting, return_exceptions=True)
        late = [error for error in found if isinstance(error, Overloaded)]
        assert late
        assert all(re.search(r"\d+ of 256 images are not drawn after 0.05 s", str(error)) for error in late)
        assert all(error.retry_after_s >= 1 for error in late)
        assert (await renderer.render(SeedSource(G, 1, 1), stays)).images.shape == (1, 28, 28, 1)  # nothing waits

    run_with(shelf, 10**8, use, patience_s=0.05)


async def _loaded(renderer: Renderer) -> None:
    while not renderer.loaded():
        await asyncio.sleep(0.01)


def test_a_request_waits_for_a_model_no_longer_than_for_images(shelf: Shelf) -> None:
    async def use(renderer: Renderer) -> None:
        with pytest.raises(Overloaded, match="a model is not loaded after 0 s"):
            await renderer.warm_up(shelf.active())
        await _loaded(renderer)  # it is loaded nevertheless, for who asks next
        await renderer.warm_up(shelf.active())

    run_with(shelf, 10**8, use, patience_s=0)


def test_the_images_of_a_client_that_has_gone_are_not_drawn(service: Service, service_http: httpx.Client) -> None:
    address = urlsplit(service.base)
    assert address.hostname
    assert address.port
    clients = []
    for k in range(14):
        client = socket.create_connection((address.hostname, address.port))
        client.sendall(f"GET /generate?n=256&seed=4999{k} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        clients.append(client)
    for client in clients:
        client.close()
    gone = r"seed=4999\d+: the client has gone: (\d+) of 256 images are not drawn"
    wait_until(lambda: len(re.findall(gone, service.log("app"))) >= 10)  # the last of all may be drawn
    undrawn = re.findall(gone, service.log("app"))
    assert sum(map(int, undrawn)) > 1000
    assert service_http.get("/generate?n=1").status_code == 200


def test_the_answer_says_where_the_time_went(http: httpx.Client) -> None:
    timing = http.get("/generate?n=16&seed=160001").headers["server-timing"]
    found = re.fullmatch(r"queue;dur=([\d.]+), draw;dur=([\d.]+), encode;dur=([\d.]+)", timing)
    assert found, timing
    assert all(0 <= float(duration) < 30_000 for duration in found.groups())
    assert float(found[2]) > 0


def test_who_comes_when_too_much_waits_is_told_when_to_come_again(http: httpx.Client) -> None:
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda seed: http.get(f"/generate?n=256&seed={seed}"), range(32)))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["type"] == "overloaded"
            assert 1 <= int(answer.headers["retry-after"]) < 600
    assert http.get("/generate?n=1").status_code == 200


def test_models_are_swapped_under_load_without_a_failure(
    service_http: httpx.Client, service: Service, tmp_path: Path
) -> None:
    shelf = Shelf(service.folder / "shelf")
    before = service_http.get("/models").json()["active"]
    others = [shelve(shelf, tmp_path / str(seed), seed=seed) for seed in (71, 72, 73)]
    answers: list[tuple[int, str | None]] = []
    stop = Event()

    def draw_on(client: int) -> None:
        with httpx.Client(base_url=service.base, timeout=30) as own:
            while not stop.is_set():
                answer = own.get(f"/generate?n={(1, 4, 40)[client % 3]}&seed={client}")
                answers.append((answer.status_code, answer.headers.get("x-model-id")))

    with ThreadPoolExecutor(16) as pool:
        drawing = [pool.submit(draw_on, client) for client in range(16)]
        try:
            for model in (*others, before):
                asked = len(answers)
                assert service_http.put("/models/active", json={"model": model}).status_code == 200
                wait_until(lambda wanted=(200, model), first=asked: wanted in answers[first:])
        finally:
            stop.set()
    for client in drawing:
        client.result()
    assert {status for status, _ in answers} == {200}
