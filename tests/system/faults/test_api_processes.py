"""The API in two processes: one is killed, models become active, come and go, while both draw."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import monotonic
from typing import NamedTuple

import httpx
import pytest

from models.shelf import Shelf
from tests.service import Service, children, wait_until
from tests.tiny import save_tiny

CLIENTS = 12  # so that each process holds some connections


class Answer(NamedTuple):
    """What a client was told, and when it asked."""

    asked_at: float
    status: int  # 0 where the connection was lost
    model: str | None


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path, api_processes="2") as running:
        yield running


def draw_on(service: Service, number: int, stop: Event) -> list[Answer]:
    """Ask for small grids until `stop` is set; a lost connection is made again."""
    answers: list[Answer] = []
    while not stop.is_set():
        with httpx.Client(base_url=service.base, timeout=30) as client:
            while not stop.is_set():
                asked_at = monotonic()
                try:
                    found = client.get(f"/generate?n={(1, 4, 16)[number % 3]}")
                except httpx.TransportError:
                    answers.append(Answer(asked_at, 0, None))
                    break
                answers.append(Answer(asked_at, found.status_code, found.headers.get("x-model-id")))
    return answers


def test_a_killed_process_costs_the_requests_that_it_held_and_is_replaced(two: Service) -> None:
    stop, before = Event(), children(two.api())
    assert len(before) == 2
    with ThreadPoolExecutor(CLIENTS) as pool:
        drawing = [pool.submit(draw_on, two, number, stop) for number in range(CLIENTS)]
        try:
            wait_until(lambda: two.log("app").count("Application startup complete") == 2)
            os.kill(before[0], signal.SIGKILL)
            wait_until(lambda: two.log("app").count("Application startup complete") == 3)
            with httpx.Client(base_url=two.base, timeout=30) as http:
                assert all(http.get(f"/generate?n=1&seed={seed}").status_code == 200 for seed in range(20))
        finally:
            stop.set()
    answers = [answer for client in drawing for answer in client.result()]
    assert {answer.status for answer in answers} <= {0, 200}
    assert sum(answer.status == 0 for answer in answers) <= CLIENTS
    assert before[1] in children(two.api())
    assert len(children(two.api())) == 2


def test_after_the_answer_of_a_swap_no_process_draws_from_the_model_before(two: Service, tmp_path: Path) -> None:
    shelf, stop = Shelf(two.folder / "shelf"), Event()
    for seed in (81, 82):
        save_tiny(tmp_path / f"model-{seed}", seed)
        shelf.add(tmp_path / f"model-{seed}")
    swaps: list[tuple[float, str]] = []
    with ThreadPoolExecutor(CLIENTS) as pool:
        drawing = [pool.submit(draw_on, two, number, stop) for number in range(CLIENTS)]
        try:
            with httpx.Client(base_url=two.base, timeout=30) as http:
                for model in [entry.model_id for entry in shelf.entries()] * 2:
                    assert http.put("/models/active", json={"model": model}).status_code == 200
                    swaps.append((monotonic(), model))
                    assert all(http.get(f"/generate?n=1&seed={seed}").status_code == 200 for seed in range(40))
        finally:
            stop.set()
    answers = [answer for client in drawing for answer in client.result()]
    assert {answer.status for answer in answers} == {200}
    for (since, model), (until, _) in zip(swaps, [*swaps[1:], (float("inf"), "")], strict=True):
        later = {answer.model for answer in answers if since <= answer.asked_at < until}
        following = {swap[1] for swap in swaps if swap[0] == until}
        assert later <= {model, *following}, "a picture of the model before"


def test_a_model_that_comes_and_goes_is_one_picture_or_404(two: Service, tmp_path: Path) -> None:
    """New URLs of it are drawn, and the old one may be in memory, while it is deleted and added again."""
    card, shelf, stop = save_tiny(tmp_path / "model", 83), Shelf(two.folder / "shelf"), Event()
    shelf.add(tmp_path / "model")
    picture = f"/generate?model={card.model_id}&n=4&seed=5"

    def look(number: int) -> set[tuple[int, bytes]]:
        found, seed = set(), 1000 * number
        with httpx.Client(base_url=two.base, timeout=30) as client:
            while not stop.is_set():
                answer, seed = client.get(picture), seed + 1
                found.add((answer.status_code, answer.content if answer.status_code == 200 else b""))
                found.add((client.get(f"/generate?model={card.model_id}&n=1&seed={seed}").status_code, b""))
        return found

    with ThreadPoolExecutor(CLIENTS) as pool, httpx.Client(base_url=two.base, timeout=30) as http:
        expected = http.get(picture).content
        looking = [pool.submit(look, number) for number in range(CLIENTS)]
        try:
            for _ in range(10):
                assert http.delete(f"/models/{card.model_id}").status_code == 204
                assert [http.get(picture).status_code for _ in range(5)] == [404] * 5
                shelf.add(tmp_path / "model")
                assert [http.get(picture).content == expected for _ in range(5)] == [True] * 5
        finally:
            stop.set()
    assert set().union(*(client.result() for client in looking)) <= {(200, expected), (200, b""), (404, b"")}


def test_when_the_parent_is_killed_its_processes_end_too(two: Service) -> None:
    api = two.api()
    processes = children(api)
    os.kill(api, signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{process}/cmdline").exists() for process in processes))
