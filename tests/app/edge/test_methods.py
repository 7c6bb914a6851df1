"""HEAD is GET without the body on every route, and `Allow` has all methods of a path."""

import httpx
import pytest

from app.main import create_app
from core.settings import Settings
from tests.app.http.test_errors import problem
from tests.service import Service, follow
from tests.wire import Wire

PATHS = create_app(Settings()).openapi()["paths"]
UNLISTED = ["/", "/docs", "/openapi.json", "/static-offline-docs/swagger-ui.css"]


@pytest.mark.parametrize("path", [*(path for path, methods in PATHS.items() if "get" in methods), *UNLISTED])
def test_head_is_get_without_the_body(service: Service, http: httpx.Client, job_id: str, path: str) -> None:
    model = http.get("/models").json()["active"]
    url = path.format(job_id=job_id, model_id=model, epoch=1, part="generator")
    if path == "/generate":
        url += "?seed=1"
    with http.stream("GET", url) as get:
        expected = {name: value for name, value in get.headers.items() if name not in ("date", "server-timing")}
    assert get.status_code in (200, 307)
    with Wire(service.base) as wire:
        for _ in range(2):  # the second shows that nothing came behind the first
            wire.send(f"HEAD {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = wire.answer("HEAD")
            shown = {name: value for name, value in head.headers.items() if name not in ("date", "server-timing")}
            expected.pop("transfer-encoding", None)
            assert (head.status, shown) == (get.status_code, expected)


def test_head_of_a_stream_ends_and_leaves_nothing_behind(service: Service, http: httpx.Client) -> None:
    waiting = http.post("/train", json={"preset": "smoke", "epochs": 10_000, "publish": "never"}).json()
    with Wire(service.base) as wire:
        for _ in range(3):
            wire.send(f"HEAD {waiting['links']['events']} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = wire.answer("HEAD")
            assert head.status == 200
            assert head.headers["content-type"].startswith("text/event-stream")
    http.post(waiting["links"]["cancel"])
    follow(http, waiting["id"], "cancelled")
    assert "Traceback" not in service.log("app")


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
    url = path.format(job_id="nobody", model_id="nothing", epoch=1, part="generator")
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MKCOL"} - documented:
        refused = http.request(method, url)
        if path.startswith("/v1/"):
            assert (refused.status_code, refused.json()["error"]["code"]) == (405, "method-not-allowed")
        else:
            problem(refused, 405, "method-not-allowed")
        assert set(refused.headers["allow"].split(", ")) == allowed


def test_allow_of_a_page_that_is_not_listed(http: httpx.Client) -> None:
    for url in UNLISTED:
        assert set(http.delete(url).headers["allow"].split(", ")) == {"GET", "HEAD"}
