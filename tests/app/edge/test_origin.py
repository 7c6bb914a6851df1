"""No page of another origin changes anything, and no unknown name stands for the server."""

from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from tests.app.http.test_errors import job_count, problem
from tests.in_process import served
from tests.wire import Wire

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none", "Origin": "http://evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:9999"},  # another port is another origin
    {"Origin": "http://localhost:{port}.evil.example"},
    {"Origin": "http://localhost:{port}0"},
    {"Origin": "http://evil.example/localhost:{port}"},
    {"Origin": "file://localhost:{port}"},
    {"Origin": "localhost:{port}"},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},  # a page with `Referrer-Policy: no-referrer`
    {"Origin": "http://localhost:{port}"},
    {"Origin": "HTTP://LOCALHOST:{port}"},
    {"Origin": "https://localhost:{port}"},  # behind a proxy that speaks TLS
]
UNKNOWN = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "localhost@evil.example",
    "localhost/",
    "localhost:80:80",
    "a localhost",
    "127.0.0.1.evil.example",
    "1.2.3.4.5",
    "[::1",
    "::1",
    "",
    "xn--bcher-kva.example",
    "caf\u00e9.example",
]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def as_sent(http: httpx.Client, headers: dict[str, str]) -> dict[str, str]:
    port = http.base_url.port
    return {name: value.format(port=port) for name, value in headers.items()} | {"Host": f"localhost:{port}"}


def unsafe_routes(http: httpx.Client) -> list[tuple[str, str]]:
    paths = http.get("/openapi.json").json()["paths"]
    safe = ("get", "head", "options")
    return [(method, path) for path, methods in paths.items() for method in methods if method not in safe]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_origin_changes_nothing(http: httpx.Client, headers: dict[str, str]) -> None:
    before, sent = job_count(http), as_sent(http, headers)
    routes = unsafe_routes(http)
    assert {path for _, path in routes} >= {"/train", "/jobs/{job_id}/cancel", "/models/active"}
    for method, path in routes:
        refused = http.request(method, path, headers=sent | FORM)
        assert refused.status_code == 403, (method, path)
        if path.startswith("/v1/"):
            assert refused.json()["error"]["code"] == "cross-origin"
        else:
            problem(refused, 403, "cross-origin")
    assert job_count(http) == before


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_origin_may_look(http: httpx.Client, headers: dict[str, str]) -> None:
    assert http.get("/healthz", headers=as_sent(http, headers)).status_code == 200


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_programs_and_pages_of_its_own_are_welcome(http: httpx.Client, headers: dict[str, str]) -> None:
    problem(http.post("/jobs/nobody/cancel", headers=as_sent(http, headers)), 404, "job-not-found")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:1", "localhost.:80", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "192.168.1.20:8000"],
)
def test_loopback_names_and_addresses_are_known_hosts(http: httpx.Client, host: str) -> None:
    assert http.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", UNKNOWN)
def test_an_unknown_host_is_refused(http: httpx.Client, host: str) -> None:
    for method, path in (("GET", "/healthz"), ("POST", "/train"), ("GET", "/nowhere")):
        refused = http.request(method, path, headers={b"Host": host.encode("latin-1")})
        assert "DIGITFORGE_HOSTS" in problem(refused, 421, "unknown-host")["detail"]


@pytest.mark.parametrize(("hosts", "status"), [([], 400), (["localhost", "evil.example"], 400), (["localhost"], 200)])
def test_a_request_has_one_host(base: str, hosts: list[str], status: int) -> None:
    lines = "".join(f"Host: {host}\r\n" for host in hosts)
    with Wire(base) as wire:
        wire.send(f"GET /healthz HTTP/1.1\r\n{lines}\r\n".encode())
        assert wire.answer().status == status


def test_a_request_from_before_there_were_hosts_is_answered(base: str) -> None:
    with Wire(base) as wire:
        wire.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert wire.answer().status == 200


def test_names_of_the_settings_are_known_hosts(services: Services, tmp_path: Path) -> None:
    names = {"data_dir": tmp_path, "hosts": ("Digits.example", "other.example")}
    with served(services.settings.model_copy(update=names)) as (http, *_):
        for host, status in {"digits.example:8443": 200, "OTHER.example": 200, "more.example": 421}.items():
            assert http.get("/healthz", headers={"Host": host}).status_code == status
        own = {"Host": "digits.example", "Origin": "https://digits.example"}
        assert http.post("/jobs/nobody/cancel", headers=own).status_code == 404
        other = {"Host": "digits.example", "Origin": "https://other.example"}
        assert http.post("/jobs/nobody/cancel", headers=other).status_code == 403
