"""Every route that hands out an ETag knows it again, in whatever form it comes back."""

import threading
import time

import httpx
import pytest

from app.http.services import Services
from app.main import create_app
from core.settings import Settings
from tests.app.paths import url_of_something
from tests.hand_worker import run, submit
from tests.in_process import Api

HAVE_ONE = {
    "/generate",
    "/neighbours",
    "/jobs/{job_id}",
    "/jobs/{job_id}/samples/{epoch}",
    "/jobs/{job_id}/pairs.png",
    "/jobs/{job_id}/timelapse",
    "/jobs/{job_id}/checkpoints/{epoch}/{part}",
    "/datasets/{dataset}/preview.png",
    "/datasets/{dataset}/images/{k}.png",
    "/datasets/{dataset}/download",
    "/models/{model_id}/directions",
}


@pytest.fixture(scope="module")
def ended(api: Api) -> str:
    return run(api.services, submit(api.http)).id


@pytest.fixture(scope="module")
def urls(services: Services, ended: str) -> dict[str, str]:
    """A URL for each route that GET finds, by the path in OpenAPI."""
    paths = [path for path, methods in create_app(Settings()).openapi()["paths"].items() if "get" in methods]
    return {path: url_of_something(path, services, ended) for path in paths}


def forms(etag: str) -> list[list[tuple[str, str]]]:
    """If-None-Match headers of clients that have this answer, or any."""
    known = [etag, f"W/{etag}", f'"x", {etag}', f'W/"x" ,W/{etag},"y"', "*"]
    return [[("if-none-match", value)] for value in known] + [[("if-none-match", '"x"'), ("if-none-match", etag)]]


def test_every_etag_is_known_again(http: httpx.Client, urls: dict[str, str]) -> None:
    found = set()
    for path, url in urls.items():
        answer = http.get(url).raise_for_status()
        etag = answer.headers.get("etag")
        if etag is None:
            continue
        found.add(path)
        for headers in forms(etag):
            again = http.get(url, headers=headers)
            assert (again.status_code, again.content) == (304, b""), (path, headers)
            for name in ("etag", "cache-control", "content-location", "last-modified", "vary"):
                assert again.headers.get(name) == answer.headers.get(name), (path, name)
        for unknown in ('"x"', etag.strip('"'), f'{etag[:-1]}x"', f'W/"x", "{etag[1:-2]}"', ""):
            again = http.get(url, headers={"if-none-match": unknown})
            assert (again.status_code, again.content) == (200, answer.content), (path, unknown)
    assert found == HAVE_ONE


def test_a_range_is_of_the_file_that_the_client_has_and_of_no_other(http: httpx.Client, urls: dict[str, str]) -> None:
    url = urls["/jobs/{job_id}/checkpoints/{epoch}/{part}"]
    etag = http.get(url).headers["etag"]
    part = {"range": "bytes=0-9"}
    assert http.get(url, headers={**part, "if-range": etag}).status_code == 206
    for other in (f"W/{etag}", '"x"'):  # here only the same bytes will do
        assert http.get(url, headers={**part, "if-range": other}).status_code == 200
    assert http.get(url, headers={**part, "if-none-match": etag}).status_code == 304


def test_a_long_poll_waits_for_those_who_have_the_answer_in_any_form(http: httpx.Client) -> None:
    waiting = submit(http)
    for turn in range(len(forms(""))):
        headers = forms(http.get(f"/jobs/{waiting}").headers["etag"])[turn]
        action, status = (("pause", "paused"), ("resume", "queued"))[turn % 2]
        changed = threading.Timer(0.3, http.post, [f"/jobs/{waiting}/{action}"])
        changed.start()
        begun = time.monotonic()
        answer = http.get(f"/jobs/{waiting}?wait=30", headers=headers)
        changed.join()
        assert time.monotonic() - begun > 0.25, headers
        if headers == [("if-none-match", "*")]:  # who has any answer needs no other
            assert answer.status_code == 304
        else:
            assert answer.json()["status"] == status
    http.post(f"/jobs/{waiting}/cancel")
