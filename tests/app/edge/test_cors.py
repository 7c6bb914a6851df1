"""Pages of listed origins may use the API, and no others."""

from collections.abc import Iterator

import httpx
import pytest

from app.http.services import Services
from core.errors import StartError
from core.settings import Settings
from core.startup import read_settings
from tests.in_process import served

LISTED = "https://digits.example"
FOREIGN = [
    "https://digits.example.evil.example",
    "https://evil.example",
    "https://sub.digits.example",
    "http://digits.example",
    "https://digits.example:8443",
    "null",
    "",
]
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization, upload-offset"}


@pytest.fixture(scope="module")
def shared(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    own = {"data_dir": tmp_path_factory.mktemp("shared"), "cors_origins": (LISTED, "http://localhost:3000")}
    with served(services.settings.model_copy(update=own)) as api:
        yield api.http


def permissions(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control")]


def test_a_listed_page_is_told_what_it_may_send(shared: httpx.Client) -> None:
    for origin in (LISTED, "http://localhost:3000"):
        answer = shared.options("/uploads/nothing", headers={"Origin": origin, **PREFLIGHT})
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-headers"] == "authorization, upload-offset"
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        assert (answer.headers["vary"], answer.headers["x-content-type-options"]) == ("Origin", "nosniff")
        assert "access-control-allow-credentials" not in answer.headers


def test_a_listed_page_reads_answers_of_all_kinds(shared: httpx.Client) -> None:
    for path, status in (("/generate?n=1&seed=1", 200), ("/generate?n=0", 422), ("/nothing", 404)):
        answer = shared.get(path, headers={"Origin": LISTED, "Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, LISTED)
        assert answer.headers["access-control-expose-headers"] == "*"
    for site in ("cross-site", "same-site"):
        written = shared.post("/jobs/nobody/cancel", headers={"Origin": LISTED, "Sec-Fetch-Site": site})
        assert written.json()["type"] == "job-not-found"


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_other_page_is_permitted_anything(shared: httpx.Client, origin: str) -> None:
    preflight = shared.options("/train", headers={"Origin": origin, **PREFLIGHT})
    assert (preflight.status_code, permissions(preflight)) == (405, [])
    read = shared.get("/healthz", headers={"Origin": origin})
    assert (read.status_code, permissions(read), read.headers["vary"]) == (200, [], "Origin")
    written = shared.post("/jobs/nobody/cancel", headers={"Origin": origin})
    assert (written.status_code, permissions(written)) == (403, [])


def test_two_origins_are_not_one_that_is_listed(shared: httpx.Client) -> None:
    both = [("Origin", LISTED), ("Origin", "https://evil.example")]
    for headers in (both, both[::-1]):
        assert shared.post("/jobs/nobody/cancel", headers=headers).status_code == 403


def test_without_a_list_nothing_is_permitted(http: httpx.Client) -> None:
    for answer in (
        http.get("/healthz", headers={"Origin": LISTED}),
        http.options("/train", headers={"Origin": LISTED, **PREFLIGHT}),
    ):
        assert permissions(answer) == []
        assert "vary" not in answer.headers


def test_images_may_be_shown_by_pages_of_other_sites_where_some_are_listed(shared: httpx.Client) -> None:
    assert shared.get("/generate?n=1").headers["cross-origin-resource-policy"] == "cross-origin"


def test_origins_are_taken_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITFORGE_CORS_ORIGINS", "HTTPS://Digits.Example:443, http://localhost:80,http://[::1]:3000")
    assert Settings().cors_origins == ("https://digits.example", "http://localhost", "http://[::1]:3000")
    for wrong in (
        "*",
        "digits.example",
        "https://digits.example/",
        "https://*.example",
        "null",
        "ftp://digits.example",
    ):
        monkeypatch.setenv("DIGITFORGE_CORS_ORIGINS", wrong)
        with pytest.raises(StartError, match="allowed: origins such as"):
            read_settings()
