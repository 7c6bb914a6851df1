"""HEAD is GET without the body on every route, and `Allow` has all methods of a path."""

import httpx
import pytest

from app.http.services import Services
from app.main import create_app
from core.settings import Settings
from tests.app.http.test_errors import problem
from tests.app.paths import url_of_nothing, url_of_something
from tests.hand_worker import submit
from tests.wire import Wire

PATHS = create_app(Settings()).openapi()["paths"]
UNLISTED = ["/", "/docs", "/openapi.json", "/static-offline-docs/swagger-ui.css"]


def shown(headers: httpx.Headers | dict[str, str]) -> dict[str, str]:
    """Headers without those that no two answers share, or that frame a body."""
    measured = ("date", "server-timing", "transfer-encoding", "x-request-id")
    return {name: value for name, value in headers.items() if name not in measured}


def of_one_state(http: httpx.Client, url: str) -> tuple[httpx.Response, httpx.Response]:
    """GET and HEAD of what did not change between them: some answers tell how long something has run by now."""
    for _ in range(20):
        head, get = http.head(url), http.get(url)
        if shown(head.headers) == shown(get.headers):
            break
    return get, head


@pytest.mark.parametrize("path", [*(path for path, methods in PATHS.items() if "get" in methods), *UNLISTED])
def test_head_is_get_without_the_body(http: httpx.Client, services: Services, job_id: str, path: str) -> None:
    get, head = of_one_state(http, url_of_something(path, services, job_id))
    assert get.status_code in (200, 307)
    assert (head.status_code, head.content, shown(head.headers)) == (get.status_code, b"", shown(get.headers))


def test_nothing_comes_behind_a_head(base: str) -> None:
    with Wire(base) as wire:
        for url in ("/generate?seed=1", "/jobs", "/docs", "/generate?n=0"):
            get = httpx.get(base + url)
            for _ in range(2):  # the second would read what came behind the first
                wire.send(f"HEAD {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                head = wire.answer("HEAD")
                assert (head.status, shown(head.headers)) == (get.status_code, shown(get.headers))


def test_head_of_a_stream_ends_and_leaves_nothing_behind(
    base: str, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = submit(http)
    with Wire(base) as wire:
        for _ in range(3):
            wire.send(f"HEAD /jobs/{job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = wire.answer("HEAD")
            assert head.status == 200
            assert head.headers["content-type"].startswith("text/event-stream")
    http.post(f"/jobs/{job_id}/cancel")
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("url", ["/nowhere", "/jobs/nobody", "/generate?n=0"])
def test_head_of_an_error_has_the_status_of_get(http: httpx.Client, url: str) -> None:
    head, get = http.head(url), http.get(url)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == "application/problem+json"
    assert head.headers["content-length"] == get.headers["content-length"]


def test_head_does_what_get_does_and_nothing_else(http: httpx.Client) -> None:
    assert http.head("/train").status_code == 405
    assert http.head("/jobs/nobody/cancel").status_code == 405


@pytest.mark.parametrize("path", PATHS)
def test_allow_has_all_methods_of_a_path(http: httpx.Client, path: str) -> None:
    documented = {method.upper() for method in PATHS[path]}
    allowed = documented | ({"HEAD"} if "GET" in documented else set())
    url = url_of_nothing(path)
    elsewhere = {"PATCH", "DELETE"} if path == "/models/active" else set()  # as of a model with this id
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MKCOL"} - documented - elsewhere:
        refused = http.request(method, url)
        if path.startswith("/v1/"):
            assert (refused.status_code, refused.json()["error"]["code"]) == (405, "method-not-allowed")
        else:
            problem(refused, 405, "method-not-allowed")
        assert set(refused.headers["allow"].split(", ")) == allowed


def test_allow_of_a_page_that_is_not_listed(http: httpx.Client) -> None:
    for url in UNLISTED:
        assert set(http.delete(url).headers["allow"].split(", ")) == {"GET", "HEAD"}
