"""Clients that are silent, slow or do not listen, byte by byte."""

import json
import time
from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from tests.app.http.test_errors import job_count
from tests.in_process import listening, served
from tests.wire import Wire

PIECE = b"<html>" + b" " * 65530
PATCH = (
    "PATCH {url} HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
)


def test_a_client_that_goes_silent_is_let_go_and_what_came_is_kept(services: Services, tmp_path: Path) -> None:
    hasty = services.settings.model_copy(update={"data_dir": tmp_path, "body_timeout_s": 0.3})
    with served(hasty) as api, listening(api) as base:
        url = api.http.post("/uploads", headers={"upload-length": "100"}).headers["location"]
        with Wire(base) as wire:
            wire.send(PATCH.format(url=url).encode(), b"Content-Length: 100\r\n\r\nfirst bytes")
            answer = wire.answer()
            assert (answer.status, json.loads(answer.body)["type"]) == (408, "body-timeout")
            assert wire.is_closed()
        assert api.http.head(url).headers["upload-offset"] == str(len(b"first bytes"))
        rest = bytes(100 - len(b"first bytes"))
        headers = {"content-type": "application/offset+octet-stream", "upload-offset": str(100 - len(rest))}
        assert api.http.patch(url, content=rest, headers=headers).status_code == 204  # nobody holds it any more


@pytest.mark.parametrize("path", ["/datasets?name=own", "/datasets?name=mnist", "/datasets"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_client_that_sends_all_before_it_listens_hears_why_it_is_refused(
    base: str, http: httpx.Client, services: Services, path: str, framing: str
) -> None:
    uploads, jobs, pieces = services.uploads.ids(), job_count(http), 160
    with Wire(base) as wire:
        if framing == "length":
            frame, piece, last = b"Content-Length: %d\r\n\r\n" % (pieces * len(PIECE)), PIECE, b""
        else:
            frame, last = b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"
            piece = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
        wire.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n".encode() + frame)
        for i in range(pieces):
            wire.send(piece)
            if i % 64 == 0:
                time.sleep(0.02)
        wire.send(last)
        assert wire.answer().status == (415 if path.endswith("own") else 422)
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")  # the connection is still good
        assert wire.answer().status == 200
    assert (services.uploads.ids(), job_count(http)) == (uploads, jobs)


def test_what_can_be_refused_is_refused_before_the_body(base: str, services: Services) -> None:
    too_large = services.settings.max_upload_bytes + 1
    for query, length, status in (("name=own", too_large, 413), ("name=mnist", 1000, 422), ("", 1000, 422)):
        with Wire(base) as wire:
            head = f"POST /datasets?{query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
            wire.send(head.encode(), b"Expect: 100-continue\r\n\r\n")
            assert wire.answer().status == status
