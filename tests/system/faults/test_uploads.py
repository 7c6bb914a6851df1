"""Uploads while processes of the API are killed: what was acknowledged is there, and the rest can be sent."""

import os
import signal
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.service import Service, children, wait_until
from tests.wire import Wire

MB = 1_000_000
DATA = b"".join(k.to_bytes(4, "big") for k in range(2 * MB))  # 8 MB
PART = {"content-type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two processes of the API, so that each part may reach another one."""
    with Service(tmp_path_factory.mktemp("uploads"), api_processes="2") as running:
        yield running


def kill_the_api(service: Service) -> None:
    """Both of its processes at once; others take their places."""
    started = service.log("app").count("Application startup complete")
    for process in children(service.api()):
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: service.log("app").count("Application startup complete") == started + 2)


def wait_for_bytes(service: Service, count: int) -> None:
    """Wait until more of the only upload is in its file."""

    def came() -> bool:
        return any(path.stat().st_size > count for path in service.folder.glob("uploads/*/data"))

    wait_until(came)


def test_what_was_acknowledged_survives_a_kill_and_the_rest_goes_behind_it(two: Service) -> None:
    with httpx.Client(base_url=two.base, timeout=30) as http:
        begun = http.post("/uploads", content=DATA[:MB], headers={**PART, "upload-length": str(len(DATA))})
        url, acknowledged = begun.headers["location"], int(begun.headers["upload-offset"])
    assert acknowledged == MB
    for _ in range(2):
        with Wire(two.base) as wire:
            head = f"PATCH {url} HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: {acknowledged}\r\n"
            head += f"Content-Type: {PART['content-type']}\r\nContent-Length: {len(DATA) - acknowledged}\r\n\r\n"
            wire.send(head.encode(), DATA[acknowledged : acknowledged + 3 * MB])
            wait_for_bytes(two, acknowledged + MB)
            kill_the_api(two)
        with httpx.Client(base_url=two.base, timeout=30) as http:
            came = int(http.head(url).headers["upload-offset"])
            assert came > acknowledged
            part = http.patch(url, content=DATA[came : came + 1], headers={**PART, "upload-offset": str(came)})
            acknowledged = int(part.headers["upload-offset"])
            assert acknowledged == came + 1
    with httpx.Client(base_url=two.base, timeout=30) as http:
        http.patch(url, content=DATA[acknowledged:], headers={**PART, "upload-offset": str(acknowledged)})
        assert http.get(url).json()["sha256"] == sha256(DATA).hexdigest()
        assert http.delete(url).status_code == 204


def test_a_client_that_is_killed_goes_on_where_it_was(two: Service) -> None:
    with httpx.Client(base_url=two.base, timeout=30) as http:
        url = http.post("/uploads", headers={"upload-length": str(len(DATA))}).headers["location"]
        with Wire(two.base) as wire:
            head = f"PATCH {url} HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: 0\r\nTransfer-Encoding: chunked\r\n"
            wire.send(f"{head}Content-Type: {PART['content-type']}\r\n\r\n400000\r\n".encode(), DATA[: 2 * MB])
            wait_for_bytes(two, MB)
        wait_until(lambda: http.head(url).headers["upload-offset"] == str(2 * MB))
        behind = {**PART, "upload-offset": str(2 * MB)}
        # Refused while the server thinks that the first part still comes.
        wait_until(lambda: http.patch(url, content=DATA[2 * MB :], headers=behind).is_success)
        assert http.get(url).json()["sha256"] == sha256(DATA).hexdigest()
        http.delete(url)


def test_an_import_that_was_cut_off_by_a_kill_made_no_job(two: Service) -> None:
    with Wire(two.base) as wire:
        head = f"POST /datasets?name=own HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(DATA)}\r\n\r\n"
        wire.send(head.encode(), DATA[: 3 * MB])
        wait_for_bytes(two, MB)
        kill_the_api(two)
    (left,) = filter(Path.is_dir, Path(two.folder, "uploads").iterdir())  # which a sweeper removes after a day
    with httpx.Client(base_url=two.base, timeout=30) as http:
        assert http.get("/jobs").json()["data"] == []
        assert http.get(f"/uploads/{left.name}").json()["complete"] is False
