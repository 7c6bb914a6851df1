"""Behind a proxy that serves it under a path, every URL that the service gives away leads through the proxy."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.http.services import Services
from tests.hand_worker import SMOKE, run
from tests.in_process import Api, listening, served
from tests.reverse_proxy import reverse_proxy

PUBLIC = "https://digits.example"
PROXIES = ("10.0.0.0/8", "127.0.0.1/32")


@pytest.fixture(scope="module")
def behind(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    own = {"data_dir": tmp_path_factory.mktemp("behind"), "proxies": PROXIES, "hosts": ("digits.example",)}
    with served(services.settings.model_copy(update=own)) as api:
        yield api


@pytest.fixture(scope="module")
def direct(behind: Api) -> Iterator[str]:
    with listening(behind) as base:
        yield base


@pytest.fixture(scope="module")
def proxied(direct: str) -> Iterator[httpx.Client]:
    said = {"Prefix": "/digits", "Host": "digits.example", "Proto": "https", "For": "203.0.113.9"}
    with reverse_proxy(direct, "/digits", **said) as base, httpx.Client(base_url=base, timeout=30) as client:
        yield client


def paths_in(value: Any) -> list[str]:
    """The URLs in an answer: strings that begin like one."""
    if isinstance(value, str):
        return [value] if re.match(r"/[a-z]|https?://", value) else []
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [path for item in values for path in paths_in(item)]


def test_every_url_that_is_given_away_leads_through_the_proxy(proxied: httpx.Client, behind: Api) -> None:
    made = proxied.post("/digits/train", json=SMOKE)
    job = run(behind.services, made.json()["id"])
    proxied.post("/digits/train", json=SMOKE)
    base = f"/digits/jobs/{job.id}"
    given = [made.headers["location"]]
    for url in [
        base,
        "/digits/jobs?limit=1",
        f"{base}/events?format=json&limit=1",
        f"{base}/samples",
        f"{base}/checkpoints",
        "/digits/models",
        "/digits/models/active",
        f"/digits/models/{job.model_id}",
        "/digits/generate?n=2&seed=1&format=json",
    ]:
        answer = proxied.get(url)
        assert answer.status_code == 200, url
        given += paths_in(answer.json())
        assert paths_in(answer.json()), url
    drawn = proxied.get("/digits/generate?n=1&seed=1")
    given.append(drawn.headers["content-location"])
    inspected = proxied.post("/digits/inspect", content=drawn.content, headers={"content-type": "image/png"}).json()
    given.append(inspected["url"])
    assert all(url.startswith("/digits/") for url in given), given
    steering = ("cancel", "events")
    for url in set(given):
        if not url.endswith(steering):
            assert proxied.get(url).status_code == 200, url
    assert proxied.get(inspected["url"]).content == drawn.content


def test_whole_urls_name_the_public_host(proxied: httpx.Client) -> None:
    images = proxied.post("/digits/v1/images/generations", json={"prompt": "7", "n": 2, "response_format": "url"})
    urls = [image["url"] for image in images.json()["data"]]
    assert all(url.startswith(f"{PUBLIC}/digits/generate?") for url in urls)
    assert proxied.get(urls[0].removeprefix(PUBLIC)).status_code == 200
    assert proxied.get("/digits/jobs/").headers["location"] == f"{PUBLIC}/digits/jobs"


def test_the_page_finds_its_files_below_the_path(proxied: httpx.Client) -> None:
    files = re.findall(r'(?:src|href)="(/[^"]+)"', proxied.get("/digits/").text)
    assert len(files) >= 4
    for file in files:
        assert file.startswith("/digits/ui/")
        assert proxied.get(file).status_code == 200


def test_the_page_of_the_documentation_works(proxied: httpx.Client, direct: str) -> None:
    page = proxied.get("/digits/docs").text
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"|url: '([^']+)'", page)
    urls = [first or second for first, second in loaded]
    assert len(urls) >= 4
    for url in urls:
        assert url.startswith("/digits/")
        assert proxied.get(url).status_code == 200
    assert proxied.get("/digits/openapi.json").json()["servers"] == [{"url": "/digits"}]
    assert "servers" not in httpx.get(f"{direct}/openapi.json").json()


def test_pages_of_the_public_origin_are_its_own(proxied: httpx.Client) -> None:
    own = proxied.post("/digits/jobs/nobody/cancel", headers={"Origin": PUBLIC})
    assert (own.status_code, own.json()["type"]) == (404, "job-not-found")
    other = proxied.post("/digits/jobs/nobody/cancel", headers={"Origin": "https://evil.example"})
    assert other.status_code == 403
    unknown = proxied.get("/digits/generate?colour=red").json()
    assert "scale" in unknown["errors"][0]["detail"]
    assert proxied.post("/digits/v1/nothing").json()["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Forwarded-Host": "evil.example"}, 421),
        ({"Host": "evil.example", "X-Forwarded-Host": "digits.example"}, 421),  # DNS rebinding, and a spoofed header
        ({"X-Forwarded-Prefix": "//evil.example"}, 400),
        ({"X-Forwarded-Prefix": "digits"}, 400),
        ({"X-Forwarded-Prefix": "/a?b"}, 400),
        ({"X-Forwarded-Prefix": "/"}, 200),
        ({"X-Forwarded-Prefix": "/a/b/"}, 200),
    ],
)
def test_what_a_proxy_says_is_checked(direct: str, headers: dict[str, str], status: int) -> None:
    assert httpx.get(f"{direct}/healthz", headers=headers).status_code == status


def test_a_client_that_is_no_proxy_is_not_believed(base: str, http: httpx.Client) -> None:
    said = {"Prefix": "/digits", "Host": "digits.example", "Proto": "https"}
    with reverse_proxy(base, "/digits", **said) as through:
        images = httpx.post(f"{through}/digits/v1/images/generations", json={"prompt": "7"}, timeout=30).json()
    assert images["data"][0]["url"].startswith(f"{base}/generate?")
    links = http.get("/models/active", headers={"X-Forwarded-Prefix": "/digits"}).json()
    assert links["generate"].startswith("/generate?")


def test_a_root_path_of_the_settings_needs_no_header(services: Services, tmp_path: Path) -> None:
    own = {"data_dir": tmp_path, "root_path": "/digits"}
    with served(services.settings.model_copy(update=own)) as rooted, listening(rooted) as direct:
        with reverse_proxy(direct, "/digits") as base, httpx.Client(base_url=base, timeout=30) as http:
            assert http.get("/digits/models/active").json()["generate"].startswith("/digits/generate?")
            assert http.get("/digits/docs").text.count("/digits/") >= 4
        for uncut in ("/digits/healthz", "/healthz"):  # of a proxy that leaves the path as it is, and of a probe
            assert httpx.get(f"{direct}{uncut}").status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_proxy_is_known_on_a_socket_of_both_families(behind: Api, address: str) -> None:
    """There an IPv4 address reads `::ffff:127.0.0.1`."""
    with listening(behind, "::") as base:
        port = base.rpartition(":")[2]
        host = f"[{address}]" if ":" in address else address
        said = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/digits"}
        answer = httpx.get(f"http://{host}:{port}/jobs/", headers=said)
    is_proxy = address == "127.0.0.1"
    assert ("strict-transport-security" in answer.headers) is is_proxy
    assert answer.headers["location"].endswith("/digits/jobs" if is_proxy else f":{port}/jobs")
