"""What browsers are told with every answer."""

import re
from base64 import b64encode
from hashlib import sha256

import httpx
import pytest

from app.http.services import Services
from tests.in_process import Api, served
from tests.wire import Wire

HOME_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
PATHS = [
    "/healthz",
    "/generate?n=1&seed=1",
    "/generate?n=0",
    "/jobs",
    "/jobs/nobody",
    "/nothing",
    "/v1/models",
    "/",
    "/docs",
]


def told(headers: httpx.Headers | dict[str, str]) -> dict[str, str]:
    names = (
        "x-content-type-options",
        "referrer-policy",
        "cross-origin-resource-policy",
        "strict-transport-security",
        "content-security-policy",
    )
    return {name: headers[name] for name in names if name in headers}


EACH = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-site",
    "content-security-policy": POLICY,
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_answer_has_them(http: httpx.Client, path: str, method: str) -> None:
    headers = http.request(method, path).headers
    assert {**EACH, "content-security-policy": told(headers)["content-security-policy"]} == told(headers)
    assert path == "/docs" or headers["content-security-policy"] == (HOME_POLICY if path == "/" else POLICY)
    assert len(headers.get_list("content-security-policy")) == 1


def test_answers_of_the_outermost_parts_have_them(base: str, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for sent in (b"no request\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n"):
        with Wire(base) as wire:
            wire.send(sent)
            assert told(wire.answer().headers) == EACH
    monkeypatch.setattr(type(api.services.shelf), "entries", None)  # a crash
    crashed = api.http.get("/models")
    assert (crashed.status_code, told(crashed.headers)) == (500, EACH)


def test_the_page_of_the_documentation_may_run_its_own_scripts_alone(http: httpx.Client) -> None:
    page = http.get("/docs")
    policy = page.headers["content-security-policy"]
    (script,) = re.findall(r"<script>(.+?)</script>", page.text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "frame-ancestors 'none'" in policy
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert len(loaded) >= 3
    assert all(url.startswith("/") for url in loaded)


def test_only_answers_over_tls_ask_for_tls(services: Services, tmp_path_factory: pytest.TempPathFactory) -> None:
    own = {"data_dir": tmp_path_factory.mktemp("tls"), "proxies": ("127.0.0.1/32",), "root_path": "/digits"}
    with served(services.settings.model_copy(update=own)) as api:
        for path in ("/healthz", "/nothing", "/docs", "/digits/docs"):
            plain, secure = (api.http.get(path, headers={"X-Forwarded-Proto": s}).headers for s in ("http", "https"))
            assert "strict-transport-security" not in plain
            assert secure["strict-transport-security"] == "max-age=31536000"
            assert ("script-src" in plain["content-security-policy"]) is path.endswith("docs")
    assert "strict-transport-security" not in api_headers(services)


def api_headers(services: Services) -> httpx.Headers:
    """Of an answer to a client that is no proxy, and says that it came over TLS."""
    with served(services.settings) as api:
        return api.http.get("/healthz", headers={"X-Forwarded-Proto": "https"}).headers
