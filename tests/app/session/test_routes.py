"""Logging in with a browser: what the cookie is, what it is good for, and what ends it."""

import json
from datetime import timedelta
from http.cookies import SimpleCookie

import httpx
import pytest

from access.key import new_key
from access.key_record import NewKey
from core.access import Scope
from tests.app.http.test_errors import problem
from tests.in_process import BASE, Api, add_key, bearer, client_with, served

OWN = {"Sec-Fetch-Site": "same-origin"}
ELSEWHERE = [
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost:9000"},
    {"Origin": "https://localhost.example"},
    {"Origin": "null"},
]
DAY_S = 86_400


@pytest.fixture(scope="module")
def key(keyed: Api) -> str:
    return add_key(keyed, Scope.GENERATE, Scope.JOBS_READ, Scope.JOBS_WRITE, name="Ms Lovelace")


@pytest.fixture
def nobody(keyed: Api) -> httpx.Client:
    return client_with(keyed, None)


def log_in(http: httpx.Client, key: str, **headers: str) -> httpx.Response:
    return http.post("/session", json={"key": key}, headers=OWN | headers)


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """The one cookie that an answer sets, with its attributes."""
    (header,) = answer.headers.get_list("set-cookie")
    ((name, found),) = SimpleCookie(header).items()
    return {"name": name, "value": found.value, **{k: v for k, v in found.items() if v}}


def with_cookie(key: str, **headers: str) -> dict[str, str]:
    return {"Cookie": f"theme=dark; digitforge={key}; other=1"} | headers


def test_the_cookie_carries_the_key_and_no_script_or_other_site_gets_it(nobody: httpx.Client, key: str) -> None:
    answer = log_in(nobody, key)
    assert (answer.status_code, answer.content, answer.headers["Cache-Control"]) == (204, b"", "no-store")
    assert cookie_of(answer) == {
        "name": "digitforge",
        "value": key,
        "path": "/",
        "max-age": str(30 * DAY_S),
        "httponly": True,
        "samesite": "Strict",
    }


def test_the_cookie_lives_no_longer_than_its_key(keyed: Api, nobody: httpx.Client) -> None:
    new = NewKey.make("short", [Scope.GENERATE], timedelta(hours=1))
    keyed.services.keyring.store.add(new.record)
    keyed.portal.call(keyed.services.keyring.look)
    assert 3590 <= int(cookie_of(log_in(nobody, new.text))["max-age"]) <= 3600
    shown = nobody.get("/session", headers=with_cookie(new.text)).json()
    assert shown["expires_at"].startswith(new.record.expires_at.isoformat()[:19])  # type: ignore[union-attr]


@pytest.mark.parametrize(("prefix", "path"), [("/digits", "/digits"), ("", "/")])
def test_behind_a_proxy_the_cookie_has_its_path_and_goes_over_tls_only(
    keyed: Api, key: str, prefix: str, path: str
) -> None:
    settings = keyed.services.settings.model_copy(update={"proxies": ("127.0.0.1",)})
    with served(settings) as api:
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": prefix}
        set_ = cookie_of(log_in(client_with(api, None), key, **forwarded))
        gone = cookie_of(client_with(api, None).delete("/session", headers=OWN | forwarded))
    for cookie in (set_, gone):
        assert (cookie["path"], cookie["samesite"]) == (path, "Strict")
        assert cookie["secure"]


def test_a_browser_that_has_logged_in_may_do_what_its_key_may(keyed: Api, key: str) -> None:
    browser = client_with(keyed, None)
    problem(browser.get("/jobs", headers=OWN), 401, "key-required")
    log_in(browser, key)
    assert browser.get("/jobs", headers=OWN).status_code == 200
    made = browser.post("/train", json={"preset": "smoke"}, headers=OWN)
    assert (made.status_code, made.json()["caller"]) == (202, key[3:11])
    assert browser.post(f"/jobs/{made.json()['id']}/cancel", headers={"Origin": BASE}).status_code == 202
    problem(browser.get("/keys", headers=OWN), 403, "missing-scope")
    cleared = browser.delete("/session", headers=OWN)
    assert (cleared.status_code, cookie_of(cleared)["path"]) == (204, "/")
    assert "digitforge" not in browser.cookies
    problem(browser.get("/jobs", headers=OWN), 401, "key-required")


def test_who_asks_is_shown_by_cookie_and_by_header(nobody: httpx.Client, key: str) -> None:
    shown = nobody.get("/session", headers=with_cookie(key))
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.json() == {
        "keys_required": True,
        "id": key[3:11],
        "name": "Ms Lovelace",
        "scopes": ["generate", "jobs:read", "jobs:write"],
        "expires_at": None,
    }
    assert nobody.get("/session", headers=bearer(key)).json() == shown.json()
    nothing = {"keys_required": True, "id": None, "name": None, "scopes": None, "expires_at": None}
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Cookie": "other=1"}, {"Cookie": "xdigitforge=1"}):
        assert nobody.get("/session", headers=headers).json() == nothing


def test_without_keys_there_is_nothing_to_log_in_to(http: httpx.Client) -> None:
    assert http.get("/session").json()["keys_required"] is False
    assert http.get("/jobs", headers=with_cookie("nonsense")).status_code == 200


def test_a_header_goes_before_the_cookie(keyed: Api, key: str) -> None:
    weak = add_key(keyed, Scope.GENERATE)
    http = client_with(keyed, None)
    problem(http.get("/jobs", headers=with_cookie(key, **bearer(weak))), 403, "missing-scope")
    wrong = http.get("/jobs", headers=with_cookie(key, **bearer(new_key("aaaaaaaa"))))
    problem(wrong, 401, "invalid-key")
    assert "set-cookie" not in wrong.headers  # it was not what was wrong


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
def test_the_cookie_counts_for_no_page_elsewhere(nobody: httpx.Client, key: str, headers: dict[str, str]) -> None:
    problem(nobody.get("/jobs", headers=with_cookie(key, **headers)), 401, "key-required")
    assert nobody.get("/session", headers=with_cookie(key, **headers)).json()["id"] is None
    for method in ("POST", "DELETE"):
        answer = nobody.request(method, "/session", headers=headers, json={"key": key})
        problem(answer, 403, "cross-origin")
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("site", ["same-site", "cross-site", ""])
def test_pages_of_listed_origins_neither_use_the_cookie_nor_set_it(keyed: Api, key: str, site: str) -> None:
    listed = "http://localhost:3000"
    page = {"Origin": listed} | ({"Sec-Fetch-Site": site} if site else {})
    with served(keyed.services.settings.model_copy(update={"cors_origins": (listed,)})) as api:
        http = client_with(api, None)
        problem(http.post("/train", json={"preset": "smoke"}, headers=with_cookie(key, **page)), 401, "key-required")
        problem(http.get("/jobs", headers=with_cookie(key, **page)), 401, "key-required")
        problem(http.post("/session", json={"key": key}, headers=page), 403, "cross-origin")
        answer = http.get("/jobs", headers=bearer(key) | page)
        assert answer.status_code == 200
        assert "access-control-allow-credentials" not in answer.headers


def test_an_old_browser_that_says_nothing_may_read_and_not_change(nobody: httpx.Client, key: str) -> None:
    assert nobody.get("/jobs", headers=with_cookie(key)).status_code == 200
    assert nobody.head("/generate?n=1&seed=1", headers=with_cookie(key)).status_code == 200
    problem(nobody.post("/train", json={"preset": "smoke"}, headers=with_cookie(key)), 401, "key-required")


def test_a_cookie_whose_key_was_revoked_is_cleared(keyed: Api) -> None:
    own = add_key(keyed, Scope.JOBS_READ)
    browser = client_with(keyed, None)
    log_in(browser, own)
    assert browser.get("/jobs", headers=OWN).status_code == 200
    keyed.http.delete(f"/keys/{own[3:11]}").raise_for_status()
    answer = browser.get("/jobs", headers=OWN)
    problem(answer, 401, "invalid-key")
    assert (cookie_of(answer)["value"], cookie_of(answer)["path"]) == ("", "/")
    assert "digitforge" not in browser.cookies


def test_who_asks_who_it_is_with_a_revoked_key_is_nobody_any_more(keyed: Api) -> None:
    own = add_key(keyed, Scope.JOBS_READ)
    keyed.http.delete(f"/keys/{own[3:11]}").raise_for_status()
    answer = client_with(keyed, None, "10.9.0.1").get("/session", headers=with_cookie(own))
    assert (answer.status_code, answer.json()["id"], cookie_of(answer)["value"]) == (200, None, "")


@pytest.mark.parametrize("way", ["POST", "GET", "cookie"])
def test_wrong_keys_are_guesses_whichever_way_they_come(keyed: Api, key: str, way: str) -> None:
    stranger = client_with(keyed, None, f"10.8.0.{['POST', 'GET', 'cookie'].index(way)}")
    wrong = new_key("aaaaaaaa")

    def guess() -> httpx.Response:
        match way:
            case "POST":
                return log_in(stranger, wrong)
            case "GET":
                return stranger.get("/session", headers=with_cookie(wrong))
        return stranger.get("/jobs", headers=with_cookie(wrong))

    statuses = [guess().status_code for _ in range(21)]
    assert statuses == [200 if way == "GET" else 401] * 20 + [429]
    assert log_in(stranger, key).status_code == 204  # a key that is known is let in all the same


@pytest.mark.parametrize(
    "wrong",
    ["", "df_", "hello", "df_é", new_key("aaaaaaaa"), f" {new_key('aaaaaaaa')}"],
    ids=["nothing", "too short", "a word", "not ASCII", "unknown", "with a space"],
)
def test_what_is_no_key_is_refused_and_sets_nothing(keyed: Api, wrong: str) -> None:
    stranger = client_with(keyed, None, "10.7.0.1")
    body = json.dumps({"key": wrong})
    answer = stranger.post("/session", content=body, headers=OWN | {"Content-Type": "application/json"})
    problem(answer, 401, "invalid-key")
    assert "set-cookie" not in answer.headers
    if wrong:
        assert wrong.strip()[12:] not in answer.text or len(wrong) < 13


def test_another_body_is_refused(nobody: httpx.Client, key: str) -> None:
    problem(nobody.post("/session", headers=OWN), 422, "invalid-parameter")
    problem(nobody.post("/session", json={"key": 3}, headers=OWN), 422, "invalid-parameter")
    problem(nobody.post("/session", content=f"key={key}", headers=OWN), 415, "unsupported-media-type")


def test_a_cache_is_told_that_answers_to_a_cookie_are_its_owners(keyed: Api, key: str) -> None:
    model = keyed.http.get("/models/active").json()["id"]
    browser = client_with(keyed, None)
    drawn = browser.get(f"/generate?n=1&seed=1&model={model}", headers=with_cookie(key))
    listed = browser.get("/jobs", headers=with_cookie(key))
    known = browser.get(f"/generate?n=1&seed=1&model={model}", headers=with_cookie(key, **{"If-None-Match": "*"}))
    assert drawn.headers["Cache-Control"] == known.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert listed.headers["Cache-Control"] == "private"
    for answer in (drawn, known, listed):
        assert "Cookie" in answer.headers["Vary"]
    assert drawn.content == keyed.http.get(f"/generate?n=1&seed=1&model={model}").content


def test_a_key_in_a_url_stays_refused(nobody: httpx.Client, key: str) -> None:
    problem(nobody.get(f"/jobs?key={key}", headers=with_cookie(key)), 400, "key-in-url")
    assert nobody.get(f"/?key={key}").status_code == 422
