"""Clients that are late are let go, those who are too many are told so, and the others are not disturbed."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from app.http.services import Services
from tests.in_process import Api, listening, served
from tests.service import wait_until
from tests.wire import Wire

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
TRAIN = b"POST /train HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MOST, MOST_OF_ONE = 24, 8


@pytest.fixture(scope="module")
def hasty(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    own = {"data_dir": tmp_path_factory.mktemp("hasty"), "head_timeout_s": 0.3, "body_timeout_s": 0.3}
    with served(services.settings.model_copy(update=own)) as api:
        yield api


@pytest.fixture(scope="module")
def hasty_base(hasty: Api) -> Iterator[str]:
    with listening(hasty) as base:
        yield base


@pytest.mark.parametrize("sent", [b"G", HEAD, b"\r\nGET /generate?n=1", TRAIN + b"Content-Le"])
def test_a_head_that_is_not_complete_in_time_is_answered(hasty_base: str, sent: bytes) -> None:
    with Wire(hasty_base) as wire:
        wire.send(sent)
        answer = wire.answer()
        assert (answer.status, json.loads(answer.body)["type"]) == (408, "head-timeout")
        assert answer.headers["connection"] == "close"
        assert wire.is_closed()


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(hasty_base: str) -> None:
    with Wire(hasty_base) as wire:
        wire.send(HEAD)
        assert _ends(wire, b"X")


@pytest.mark.parametrize("sent", [b"", b"\r\n", HEAD + b"\r\n"])
def test_a_connection_that_nothing_comes_of_is_closed(hasty_base: str, sent: bytes) -> None:
    with Wire(hasty_base) as wire:
        wire.send(sent)
        if sent == HEAD + b"\r\n":
            assert wire.answer().status == 200
            wire.send(b"\r\n")  # which is nothing either
        assert wire.is_closed()


@pytest.mark.parametrize(
    ("path", "framing"),
    [
        (b"/train", b"Content-Length: 100\r\n\r\n{"),
        (b"/v1/images/generations", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{"),
        (b"/datasets/nothing", b"Content-Length: 100\r\n\r\n{"),
    ],
)
def test_a_body_that_stays_away_is_not_waited_for(hasty_base: str, path: bytes, framing: bytes) -> None:
    method = b"DELETE" if b"nothing" in path else b"POST"
    with Wire(hasty_base) as wire:
        wire.send(TRAIN.replace(b"POST /train", method + b" " + path), framing)
        answer = wire.answer()
        if method == b"POST":
            assert (answer.status, answer.headers["connection"]) == (408, "close")
            assert b"body-timeout" in answer.body
        else:  # nobody asked for a body
            assert answer.status == 404
        assert wire.is_closed()


def test_a_body_that_drips_is_not_waited_for(hasty_base: str) -> None:
    with Wire(hasty_base) as wire:
        wire.send(TRAIN, b"Content-Length: 1000\r\n\r\n")
        for _ in range(12):
            wire.send(b" ")
            time.sleep(0.05)
        answer = wire.answer()
        assert answer.status == 408
        assert "allowed: at least 500 bytes a second" in json.loads(answer.body)["detail"]


def test_a_body_that_is_slow_but_steady_is_taken(hasty_base: str, hasty: Api) -> None:
    body = b'{"preset": "smoke", "publish": "never"}'.ljust(2000)
    with Wire(hasty_base) as wire:
        wire.send(TRAIN, b"Content-Length: 2000\r\n\r\n")
        for start in range(0, 2000, 200):
            wire.send(body[start : start + 200])
            time.sleep(0.1)
        answer = wire.answer()
    assert answer.status == 202
    hasty.http.post(f"/jobs/{json.loads(answer.body)['id']}/cancel")


def test_who_does_not_read_is_dropped(hasty_base: str) -> None:
    """It asks for much more than the buffers of the connection hold."""
    large = b"GET /generate?n=256&scale=8&format=png&seed=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    url = urlsplit(hasty_base)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect((url.hostname, url.port))
        client.sendall(large * 90)
        assert _ends(client, large)


def _ends(client: Wire | socket.socket, data: bytes) -> bool:
    """Whether the server lets a client go that sends the same again and again, and reads nothing."""
    send = client.send if isinstance(client, Wire) else client.sendall
    with suppress(OSError):
        for _ in range(200):
            send(data)
            time.sleep(0.03)
        return False
    return True


@pytest.mark.parametrize("path", ["/healthz", "/generate?n=1&seed=7", "/docs", "/v1/models", "/openapi.json"])
def test_a_client_that_half_closes_is_answered(base: str, path: str) -> None:
    with Wire(base) as wire:
        wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 3)
        wire.shut(socket.SHUT_WR)
        assert [wire.answer().status for _ in range(3)] == [200] * 3
        assert wire.is_closed()


def test_half_a_request_from_a_client_that_half_closes_is_nothing(base: str) -> None:
    for sent in (b"", HEAD, TRAIN + b"Content-Length: 9\r\n\r\n{"):
        with Wire(base) as wire:
            wire.send(sent)
            wire.shut(socket.SHUT_WR)
            assert wire.is_closed()


def test_a_head_is_not_longer_than_it_may_be(base: str) -> None:
    with Wire(base) as wire:
        wire.send(HEAD, b"X-Long: ", b"x" * 200_000)
        answer = wire.answer()
        assert (answer.status, json.loads(answer.body)["type"]) == (431, "head-too-large")
        assert wire.is_closed()


def test_fields_behind_a_body_are_bounded_and_do_not_count(base: str, http: httpx.Client) -> None:
    chunked = TRAIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    with Wire(base) as wire:
        wire.send(chunked, b"Idempotency-Key: behind\r\nSec-Fetch-Site: cross-site\r\n\r\n")
        answer = wire.answer()
        assert answer.status == 202
        http.post(f"/jobs/{json.loads(answer.body)['id']}/cancel")
    with Wire(base) as wire:
        wire.send(chunked, b"X-Long: ", b"x" * 800_000)
        assert wire.answer().status == 431


def test_requests_that_wait_for_others_are_bounded(base: str) -> None:
    with Wire(base) as wire:
        wire.send((HEAD + b"\r\n") * 50)
        assert [wire.answer().status for _ in range(50)] == [200] * 50
    with Wire(base) as wire:
        wire.send((HEAD + b"\r\n") * 1000)
        assert _ends(wire, HEAD)


@pytest.fixture(scope="module")
def crowded(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    own = {
        "data_dir": tmp_path_factory.mktemp("crowded"),
        "max_connections": MOST,
        "max_connections_per_address": MOST_OF_ONE,
        "proxies": ("127.0.0.9/32",),
    }
    with served(services.settings.model_copy(update=own)) as api, listening(api) as base:
        yield base


class From(Wire):
    """A connection from one of the addresses of this machine."""

    def __init__(self, base: str, source: str) -> None:
        url = urlsplit(base)
        assert url.hostname
        assert url.port
        self._socket = socket.create_connection((url.hostname, url.port), 30, (source, 0))
        self._file = self._socket.makefile("rb")

    def works(self) -> int:
        """The status of an answer."""
        self.send(HEAD + b"\r\n")
        return self.answer().status


def test_an_address_has_no_more_connections_than_it_may(crowded: str) -> None:
    with ExitStack() as held:
        mine = [held.enter_context(From(crowded, "127.0.0.2")) for _ in range(MOST_OF_ONE)]
        assert {wire.works() for wire in mine} == {200}
        with From(crowded, "127.0.0.2") as wire:
            answer = wire.answer()
            assert (answer.status, json.loads(answer.body)["type"]) == (429, "too-many-connections")
            assert (answer.headers["retry-after"], answer.headers["x-content-type-options"]) == ("5", "nosniff")
            assert "127.0.0.2 has 8 connections" in json.loads(answer.body)["detail"]
            assert wire.is_closed()
        with From(crowded, "127.0.0.3") as wire:
            assert wire.works() == 200
    wait_until(lambda: _is_free(crowded, "127.0.0.2"))


def test_a_proxy_connects_for_many_and_all_together_are_bounded(crowded: str) -> None:
    with ExitStack() as held:
        proxy = [held.enter_context(From(crowded, "127.0.0.9")) for _ in range(MOST)]
        assert {wire.works() for wire in proxy} == {200}
        with From(crowded, "127.0.0.3") as wire:
            answer = wire.answer()
            assert (answer.status, json.loads(answer.body)["type"]) == (503, "connections-full")
    wait_until(lambda: _is_free(crowded, "127.0.0.3"))


def _is_free(base: str, source: str) -> bool:
    with From(base, source) as wire:
        return wire.works() == 200
