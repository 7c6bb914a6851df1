"""Bodies are as large as they may be and as long as they say, and whoever sends too much hears so."""

import gzip
import json
import socket
import time

import httpx
import pytest

from tests.app.http.test_errors import job_count, problem
from tests.wire import Wire

JSON = b"Host: localhost\r\nContent-Type: application/json\r\n"
PIECE = b"x" * 65536


@pytest.mark.parametrize("path", [b"/train", b"/inspect"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_client_that_is_still_sending_hears_why_it_is_refused(base: str, path: bytes, framing: str) -> None:
    """It sends 20 MB to the last byte before it reads, slowly enough for the answer to come in between."""
    pieces = 320
    with Wire(base) as wire:
        if framing == "length":
            frame, piece, last = b"Content-Length: %d\r\n\r\n" % (pieces * len(PIECE)), PIECE, b""
        else:
            frame, last = b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"
            piece = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
        kind = b"image/png" if path == b"/inspect" else b"application/json"
        wire.send(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n" % (path, kind) + frame)
        for i in range(pieces):
            wire.send(piece)
            if i % 64 == 0:
                time.sleep(0.02)
        wire.send(last)
        answer = wire.answer()
        assert (answer.status, json.loads(answer.body)["type"]) == (413, "payload-too-large")
        assert answer.headers["connection"] == "close"
        assert wire.is_closed()


def test_the_refusal_comes_before_the_body(base: str) -> None:
    with Wire(base) as wire:
        wire.send(b"POST /train HTTP/1.1\r\n" + JSON + b"Content-Length: 20000000\r\nExpect: 100-continue\r\n\r\n")
        assert wire.answer().status == 413


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 99999999999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n"]
)
def test_a_body_without_end_is_not_read_without_end(base: str, framing: bytes) -> None:
    gigabyte = (PIECE for _ in range(16_384))
    with Wire(base) as wire, pytest.raises((BrokenPipeError, ConnectionResetError)):
        wire.send(b"POST /train HTTP/1.1\r\n" + JSON + framing, *gigabyte)


def test_a_client_that_goes_silent_is_let_go(base: str) -> None:
    with Wire(base) as wire:
        wire.send(b"POST /train HTTP/1.1\r\n" + JSON + b"Content-Length: 20000000\r\n\r\nx")
        began = time.monotonic()
        assert wire.answer().status == 413
        assert wire.is_closed()
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "gzip, identity", "deflate"])
@pytest.mark.parametrize("path", ["/train", "/inspect", "/v1/images/generations"])
def test_an_encoded_body_is_refused_with_what_is_allowed(http: httpx.Client, encoding: str, path: str) -> None:
    before = job_count(http)
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    refused = http.post(path, content=gzip.compress(b'{"epochs": 1}'), headers=headers)
    assert refused.status_code == 415
    assert refused.headers["accept-encoding"] == "identity"
    assert "identity" in refused.text
    assert job_count(http) == before


def test_a_body_that_says_it_is_not_encoded_is_taken(http: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
    problem(http.post("/train", content=b'{"epochs": 0}', headers=headers), 422, "invalid-parameter")


def test_a_body_that_was_announced_and_is_empty_is_not_no_body(base: str, http: httpx.Client) -> None:
    before = job_count(http)
    with Wire(base) as wire:
        wire.send(b"POST /train HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        answer = wire.answer()
    assert (answer.status, json.loads(answer.body)["type"]) == (400, "incomplete-body")
    assert job_count(http) == before


def test_a_body_that_breaks_off_starts_nothing(base: str, http: httpx.Client) -> None:
    before = job_count(http)
    for framing in (b"Content-Length: 20\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"):
        with Wire(base) as wire:
            wire.send(b"POST /train HTTP/1.1\r\n" + JSON + framing)
            wire.shut(socket.SHUT_WR)
            time.sleep(0.2)
    assert job_count(http) == before
