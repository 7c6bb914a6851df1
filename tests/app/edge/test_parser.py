"""Offers to upgrade are declined: the request is read as if it had none."""

import json

import httpx
import pytest

from tests.wire import Wire

HEADS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n",
    "websocket": b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
    "tls": b"Upgrade: TLS/1.2\r\nConnection: upgrade\r\n",
}
BODY = b'{"preset": "smoke", "publish": "never"}'
FRAMED = {
    "length": b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY),
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n"
    % (BODY[:5], len(BODY) - 5, BODY[5:]),
}
NEXT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def train(offer: str, framing: str) -> bytes:
    head = b"POST /train HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head + HEADS[offer] + FRAMED[framing]


@pytest.mark.parametrize("piece", [1, 40, 10_000])
@pytest.mark.parametrize("framing", FRAMED)
@pytest.mark.parametrize("offer", HEADS)
def test_a_request_that_offers_an_upgrade_keeps_its_body(
    base: str, http: httpx.Client, offer: str, framing: str, piece: int
) -> None:
    data = train(offer, framing)
    with Wire(base) as wire:
        wire.send(*(data[i : i + piece] for i in range(0, len(data), piece)))
        answer = wire.answer()
        job = json.loads(answer.body)
        assert answer.status == 202
        assert job["preset"] == "smoke"
        http.post(f"/jobs/{job['id']}/cancel")
        wire.send(NEXT)  # on the same connection
        assert wire.answer().status == 200


def test_requests_with_and_without_offers_share_a_connection(base: str) -> None:
    """All are sent before the first is answered."""
    offered = b"POST /train HTTP/1.1\r\nHost: localhost\r\n" + HEADS["h2c"] + b"Content-Length: 7\r\n\r\n{no js}"
    with Wire(base) as wire:
        wire.send(NEXT + offered + NEXT.replace(b"\r\n\r\n", b"\r\n" + HEADS["h2c"] + b"\r\n") + NEXT)
        assert [wire.answer().status for _ in range(4)] == [200, 415, 200, 200]


@pytest.mark.parametrize("length", [65_536, 200_000, 2_000_000])
def test_a_url_that_is_too_long_is_answered_with_what_is_allowed(base: str, length: int) -> None:
    with Wire(base) as wire:
        wire.send(b"GET /healthz?x=".ljust(length + 4, b"x"))  # and it needs no end
        answer = wire.answer()
        assert (answer.status, json.loads(answer.body)["type"]) == (414, "uri-too-long")
        assert answer.headers["cache-control"] == "no-store"
        assert "allowed: 65535 bytes" in json.loads(answer.body)["detail"]
        assert answer.headers["connection"] == "close"
        assert wire.is_closed()


def test_a_url_of_any_length_that_is_allowed_is_read(base: str) -> None:
    with Wire(base) as wire:
        wire.send(b"GET /healthz?x=".ljust(65_535 + 4, b"x") + NEXT[len(b"GET /healthz") :])
        answer = wire.answer()
        assert (answer.status, json.loads(answer.body)["type"]) == (422, "invalid-parameter")
        wire.send(NEXT)
        assert wire.answer().status == 200


@pytest.mark.parametrize("data", [b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"nonsense\r\n\r\n"])
def test_what_is_no_request_is_answered_with_a_problem(base: str, data: bytes) -> None:
    with Wire(base) as wire:
        wire.send(data)
        answer = wire.answer()
        assert (answer.status, json.loads(answer.body)["type"]) == (400, "bad-request")
        assert answer.headers["content-type"] == "application/problem+json"
        assert wire.is_closed()
