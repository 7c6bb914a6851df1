"""Searches for neighbours and animations of runs are worked off in turns."""

import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from app.http.services import Services
from app.images.training_sets import Neighbours
from core.card import Card
from tests.in_process import Api, listening
from tests.service import wait_until


def test_who_leaves_before_the_turn_has_come_costs_no_work(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    training_sets, searches = api.services.training_sets, api.services.searches
    search, searched, may_end = training_sets.search, list[int](), Event()

    def search_slowly(card: Card, image: np.ndarray, k: int) -> Neighbours:
        searched.append(k)
        may_end.wait(60)
        return search(card, image, k)

    monkeypatch.setattr(training_sets, "search", search_slowly)
    with listening(api) as base, ThreadPoolExecutor() as clients:

        def ask(k: int) -> int:
            return httpx.get(f"{base}/neighbours?seed=31&k={k}", timeout=120).status_code

        first = clients.submit(ask, 1)
        wait_until(lambda: searched == [1])
        with socket.create_connection((urlsplit(base).hostname, urlsplit(base).port)) as impatient:
            impatient.sendall(b"GET /neighbours?seed=31&k=2 HTTP/1.1\r\nhost: localhost\r\n\r\n")
            wait_until(lambda: searches.waiting == 1)
        third = clients.submit(ask, 3)
        wait_until(lambda: searches.waiting == 2)
        may_end.set()
        assert (first.result(), third.result()) == (200, 200)
    assert searched == [1, 3]


def test_where_too_many_wait_one_more_is_refused(
    http: httpx.Client, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.searches, "most_waiting", 0)
    answer = http.get("/neighbours?seed=32")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["detail"] == "too many searches for neighbours are waiting"
