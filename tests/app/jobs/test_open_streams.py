"""Event streams and long polls are bounded, and give their places back however they end."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from app.http.services import Services
from tests.hand_worker import submit
from tests.in_process import Api, listening, served
from tests.service import wait_until
from tests.wire import Wire

MOST = 3
MANY = 150  # more than the connections that redis-py has by itself


@pytest.fixture(scope="module")
def few(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    own = {"data_dir": tmp_path_factory.mktemp("few"), "max_streams": MOST}
    with served(services.settings.model_copy(update=own)) as api:
        yield api


@pytest.fixture(scope="module")
def few_base(few: Api) -> Iterator[str]:
    with listening(few) as base:
        yield base


@pytest.fixture
def waiting(few: Api) -> Iterator[str]:
    """A job that nobody carries out."""
    job_id = submit(few.http)
    yield job_id
    few.http.post(f"/jobs/{job_id}/cancel")
    wait_until(lambda: few.services.streams.taken == 0)


def asked(job_id: str, method: str = "GET", version: str = "1.1") -> bytes:
    return f"{method} /jobs/{job_id}/events HTTP/{version}\r\nHost: localhost\r\n\r\n".encode()


def follow(few_base: str, job_id: str) -> Wire:
    """A stream that has begun."""
    wire = Wire(few_base)
    wire.send(asked(job_id))
    assert wire.line() == b"HTTP/1.1 200 OK\r\n"
    return wire


def test_no_more_streams_are_open_than_may_be(few: Api, few_base: str, waiting: str) -> None:
    with ExitStack() as held:
        wires = [held.enter_context(follow(few_base, waiting)) for _ in range(MOST)]
        known = {"If-None-Match": few.http.get(f"/jobs/{waiting}").headers["etag"]}
        for refused in (
            few.http.get(f"/jobs/{waiting}/events"),
            few.http.head(f"/jobs/{waiting}/events"),
            few.http.get(f"/jobs/{waiting}?wait=30", headers=known),
        ):
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert few.http.get(f"/jobs/{waiting}/events").json()["type"] == "streams-full"
        assert few.http.get(f"/jobs/{waiting}/events?format=json").status_code == 200  # holds nothing
        assert few.http.get(f"/jobs/{waiting}?wait=30").status_code == 200
        wires[0].close()
        wait_until(lambda: few.services.streams.taken == MOST - 1)
        held.enter_context(follow(few_base, waiting))
        few.http.post(f"/jobs/{waiting}/cancel")  # which ends them all


def test_clients_that_go_at_once_leave_no_place_taken(few: Api, few_base: str, waiting: str) -> None:
    for _ in range(40):
        with Wire(few_base) as wire:
            wire.send(asked(waiting))
        with Wire(few_base) as wire:
            wire.send(asked(waiting, "HEAD"), asked(waiting, version="1.0"))
            wire.shut(socket.SHUT_WR)
    wait_until(lambda: few.services.streams.taken == 0)


def test_a_stream_ends_when_its_client_says_that_it_sends_no_more(few: Api, few_base: str, waiting: str) -> None:
    with follow(few_base, waiting) as wire:
        wire.shut(socket.SHUT_WR)
        wait_until(lambda: few.services.streams.taken == 0)


def test_a_long_poll_gives_its_place_back(few: Api, waiting: str) -> None:
    known = {"If-None-Match": few.http.get(f"/jobs/{waiting}").headers["etag"]}
    assert few.http.get(f"/jobs/{waiting}?wait=0.05", headers=known).status_code == 304
    assert few.services.streams.taken == 0
    found: list[httpx.Response] = []
    poll = threading.Thread(
        target=lambda: found.append(few.http.get(f"/jobs/{waiting}?wait=30", headers=known, timeout=40))
    )
    poll.start()
    wait_until(lambda: few.services.streams.taken == 1)
    few.http.post(f"/jobs/{waiting}/cancel")
    poll.join(30)
    assert found[0].json()["status"] == "cancelled"


def test_a_caller_has_no_more_streams_than_it_may(services: Services, tmp_path_factory: pytest.TempPathFactory) -> None:
    own = {"data_dir": tmp_path_factory.mktemp("one"), "limit_streams": 1}
    with served(services.settings.model_copy(update=own)) as api, listening(api) as base:
        job_id = submit(api.http)
        with follow(base, job_id), Wire(base) as second:
            second.send(asked(job_id))
            answer = second.answer()
            assert (answer.status, answer.headers["retry-after"]) == (429, "5")
            problem = json.loads(answer.body)
            assert (problem["type"], problem["detail"].partition(" follows ")[2]) == (
                "too-many-streams",
                "1 streams, which is the most that it may",
            )
            assert api.services.streams.taken == 1
            api.http.post(f"/jobs/{job_id}/cancel")


def test_each_of_many_streams_is_told_of_a_job(services: Services, tmp_path_factory: pytest.TempPathFactory) -> None:
    own = {"data_dir": tmp_path_factory.mktemp("many"), "max_connections_per_address": 1000}
    with served(services.settings.model_copy(update=own)) as api, listening(api) as base, ExitStack() as held:
        wires = [held.enter_context(Wire(base)) for _ in range(MANY)]
        for wire in wires:
            wire.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for wire in wires:
            read_to(wire, b"event: position")
        job_id = submit(api.http)
        for wire in wires:
            read_to(wire, b"event: queued")
            assert job_id.encode() in read_to(wire, b"data: ")
        api.http.post(f"/jobs/{job_id}/cancel")


def read_to(wire: Wire, start: bytes) -> bytes:
    """The next line that begins so."""
    while line := wire.line():
        if line.startswith(start):
            return line
    return pytest.fail(f"the stream ended before {start!r}")
