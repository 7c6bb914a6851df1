"""DIGITFORGE_ACCESS_LOG: a line for each request, refused ones too."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.redis_server import RedisServer
from core.logs import JsonLines
from core.settings import Settings
from tests.in_process import served

Logged = Callable[..., dict[str, Any]]
KEY = "df_a1B2c3D4_" + "x" * 38


@pytest.fixture(scope="module")
def client(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path_factory.mktemp("log"), access_log=True)
    with served(settings) as api:
        yield api.http


@pytest.fixture
def logged(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> Logged:
    """Calls the API, and answers the line of the access log."""

    def call(method: str, url: str, **headers: str) -> dict[str, Any]:
        caplog.clear()
        with caplog.at_level("INFO", "app.edge.access_log"):
            answer = client.request(method, url, headers={"x-request-id": "r1", **headers})
        (record,) = [one for one in caplog.records if one.name == "app.edge.access_log"]
        line: dict[str, Any] = json.loads(JsonLines("api").format(record))
        assert line["status"] == answer.status_code
        assert line["bytes"] == len(answer.content)
        assert line["duration_ms"] > 0
        return line

    return call


@pytest.mark.parametrize(
    ("method", "url", "route"),
    [
        ("GET", "/generate?seed=1&format=json", "/generate"),
        ("HEAD", "/generate?seed=1", "/generate"),
        ("GET", "/jobs/nobody", "/jobs/{job_id}"),
        ("GET", "/healthz", "/healthz"),
        ("GET", "/nowhere?x=%0a", None),
        ("PUT", "/generate", "/generate"),
    ],
)
def test_a_line_has_the_route_and_the_target(logged: Logged, method: str, url: str, route: str | None) -> None:
    line = logged(method, url)
    assert (line["method"], line["target"], line["route"]) == (method, url, route)
    assert f'"{method} {url}" {line["status"]}' in line["message"]


def test_what_the_edge_refuses_is_logged(logged: Logged) -> None:
    line = logged("GET", "/healthz", host="stranger.example")
    assert (line["status"] >= 400, line["route"]) == (True, None)


def test_a_range_in_another_unit_hides_no_route(logged: Logged) -> None:
    assert logged("GET", "/healthz", range="items=0-1")["route"] == "/healthz"


def test_a_key_in_a_url_is_not_logged(logged: Logged) -> None:
    assert KEY not in json.dumps(logged("GET", f"/generate?api_key={KEY}"))


def test_there_is_none_unless_it_is_asked_for(
    http: httpx.Client, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level("INFO"):
        http.get("/healthz")
    assert not [record for record in caplog.records if record.name == "app.edge.access_log"]
