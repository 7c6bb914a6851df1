"""Who comes with a key, and who is refused."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from access.key import digest, new_key
from core.access import Scope
from tests.app.http.test_errors import problem
from tests.hand_worker import submit
from tests.in_process import Api, add_key, bearer, client_with, listening

OTHER = new_key("aaaaaaaa")


@pytest.fixture(scope="module")
def key(keyed: Api) -> str:
    return add_key(keyed, Scope.GENERATE)


@pytest.fixture(scope="module")
def nobody(keyed: Api) -> httpx.Client:
    return client_with(keyed, None)


def test_without_a_key_nothing_is_drawn_and_the_answer_says_how(nobody: httpx.Client) -> None:
    refused = nobody.get("/generate?n=1&seed=1")
    assert "Authorization: Bearer" in problem(refused, 401, "key-required")["detail"]
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="digitforge"'


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
def test_probes_and_documentation_are_open(nobody: httpx.Client, path: str) -> None:
    assert nobody.get(path).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_written_in_any_case(nobody: httpx.Client, key: str, scheme: str) -> None:
    assert nobody.get("/generate?n=1&seed=1", headers={"Authorization": f"{scheme} {key}"}).status_code == 200


def test_head_is_guarded_as_get_is(nobody: httpx.Client, key: str) -> None:
    assert nobody.head("/generate?n=1&seed=1").status_code == 401
    assert nobody.head("/generate?n=1&seed=1", headers=bearer(key)).status_code == 200


def test_a_key_without_the_scope_is_told_which_one_is_missing(keyed: Api, key: str) -> None:
    refused = client_with(keyed, key).post("/train", json={"preset": "smoke"})
    assert "jobs:write" in problem(refused, 403, "missing-scope")["detail"]
    assert 'error="insufficient_scope", scope="jobs:write"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ("Bearer", "form"),
        ("Bearer df_", "form"),
        ("Bearer sk-something", "form"),
        (f"Bearer {OTHER[:-1]}{'0' if OTHER[-1] != '0' else '1'}", "typing error"),
        (f"Bearer {OTHER}", "unknown"),
        (f"Bearer {OTHER} {OTHER}", "form"),
        (f"Bearer {OTHER}\u00e9", "form"),
    ],
    ids=["nothing", "a beginning", "of another service", "a typing error", "unknown", "two", "more"],
)
def test_what_is_no_key_is_refused_with_the_reason_and_without_the_text(
    nobody: httpx.Client, wrong: str, word: str
) -> None:
    refused = nobody.get("/jobs", headers={b"Authorization": wrong.encode("latin-1")})
    assert word in problem(refused, 401, "invalid-key")["detail"]
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert OTHER[12:] not in refused.text


def test_another_scheme_and_several_headers_are_refused(nobody: httpx.Client, key: str) -> None:
    problem(nobody.get("/jobs", headers={"Authorization": f"Basic {key}"}), 401, "key-required")
    twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    problem(nobody.get("/jobs", headers=twice), 400, "bad-request")


@pytest.mark.parametrize("query", ["key={}", "n=1&seed={}", "x={}&n=1", "{}", "%64%66%5F{}"])
def test_a_key_in_a_url_is_refused_whoever_asks_and_is_not_shown(keyed: Api, key: str, query: str) -> None:
    rest = key.removeprefix("df_")
    refused = keyed.http.get("/generate?" + query.format(rest if query.startswith("%") else key))
    assert "rotate" in problem(refused, 400, "key-in-url")["detail"]
    assert key[12:] not in refused.text


def test_openais_paths_answer_in_openais_words(nobody: httpx.Client, keyed: Api) -> None:
    for headers in ({}, bearer(OTHER)):
        refused = nobody.get("/v1/models", headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        assert "Bearer" in refused.headers["WWW-Authenticate"]
    weak = client_with(keyed, add_key(keyed, Scope.METRICS)).get("/v1/models")
    assert (weak.status_code, weak.json()["error"]["code"]) == (403, "missing_scope")


def test_a_body_is_not_read_for_who_may_not_send_it(nobody: httpx.Client) -> None:
    problem(nobody.post("/train", content=b"no json"), 401, "key-required")


def test_what_a_key_has_asked_for_stays_out_of_shared_caches(keyed: Api, http: httpx.Client) -> None:
    model = keyed.http.get("/models/active").json()["id"]
    url = f"/generate?n=1&seed=1&model={model}"
    drawn = keyed.http.get(url)
    assert drawn.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    again = keyed.http.get(url, headers={"If-None-Match": drawn.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, drawn.headers["Cache-Control"])
    assert http.get(url).headers["Cache-Control"].startswith("public")


def test_the_same_url_is_the_same_picture_with_a_key_and_without(keyed: Api, http: httpx.Client) -> None:
    with_key, without = (client.get("/generate?n=4&seed=7") for client in (keyed.http, http))
    assert with_key.content == without.content
    assert with_key.headers["ETag"] == without.headers["ETag"]


def test_a_service_without_keys_takes_whatever_is_sent_for_one(http: httpx.Client) -> None:
    for header in ("Bearer nonsense", "Basic eDp5", f"Bearer {OTHER}"):
        assert http.get("/jobs", headers={"Authorization": header}).status_code == 200


def test_the_stream_of_a_job_ends_with_its_key(keyed: Api) -> None:
    own = add_key(keyed, Scope.JOBS_READ, Scope.JOBS_WRITE)
    client = client_with(keyed, own)
    job_id = submit(client)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(client.get, f"/jobs/{job_id}/events")
        keyed.http.delete(f"/keys/{own[3:11]}").raise_for_status()
        assert following.result(30).status_code in (200, 401)  # whichever came first
    assert keyed.http.get(f"/jobs/{job_id}").json()["status"] == "queued"


def test_openais_own_client_sends_a_key_and_understands_a_refusal(keyed: Api, key: str) -> None:
    with listening(keyed) as base:
        for sent in (key, OTHER):
            with openai.OpenAI(base_url=f"{base}/v1", api_key=sent, max_retries=0) as client:
                if sent == key:
                    assert client.models.list().data
                else:
                    with pytest.raises(openai.AuthenticationError, match="unknown") as refused:
                        client.models.list()
                    assert refused.value.code == "invalid_api_key"


def test_only_digests_are_stored(keyed: Api, key: str) -> None:
    (record,) = [one for one in keyed.services.keyring.store.all().records if one.id == key[3:11]]
    assert record.sha256 == digest(key.encode()).hex()
    assert key[12:44] not in record.model_dump_json()
    assert record.created_at.timestamp() <= time.time()
