"""What a caller may have, as its requests and their answers tell."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI, RateLimitError

from access.guesses import MOST_A_MINUTE
from access.key import new_key
from app.http.services import Services
from cli.redis_server import RedisServer
from core.access import Scope
from core.settings import Settings
from tests.app.datasets.test_importing import ZIP
from tests.app.http.test_errors import problem
from tests.in_process import Api, add_key, bearer, client_with, listening, served
from tests.service import wait_until

Client = Callable[..., httpx.Client]
EVERYTHING = (Scope.GENERATE, Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.DATASETS_WRITE)


@pytest.fixture
def client(keyed: Api) -> Client:
    """Makes a client with a key of its own that has these limits."""
    return lambda **limits: client_with(keyed, add_key(keyed, *EVERYTHING, **limits))


def draw(http: httpx.Client, n: int = 1, **query: Any) -> httpx.Response:
    return http.get("/generate", params={"n": n, **query})


def test_images_are_taken_by_number_and_the_answer_says_how_many_are_left(client: Client) -> None:
    http = client(images_per_minute=10)
    drawn = draw(http, 4)
    assert drawn.status_code == 200
    assert drawn.headers["RateLimit-Policy"] == '"images";q=10;qu="images";w=60'
    assert drawn.headers["RateLimit"] == '"images";r=6;t=24'
    assert draw(http, 6).headers["RateLimit"] in ('"images";r=0;t=60', '"images";r=0;t=59')
    refused = draw(http, 2)
    detail = problem(refused, 429, "quota-exceeded")["detail"]
    wait = int(refused.headers["Retry-After"])
    assert 10 <= wait <= 12
    left = "the limit images_per_minute is 10, and this request costs 2, of which 0 images are left"
    assert detail == f"{left}; allowed again in {wait} s"
    assert refused.headers["RateLimit"].startswith('"images";r=0;t=')
    assert refused.headers["RateLimit-Policy"] == drawn.headers["RateLimit-Policy"]


def test_another_key_has_an_allowance_of_its_own_and_one_without_limits_no_fields(client: Client) -> None:
    first, second, free = client(images_per_minute=1), client(images_per_minute=1), client()
    assert draw(first).status_code == draw(second).status_code == 200
    assert draw(first).status_code == 429
    answer = draw(free)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if "ratelimit" in name]


def test_more_than_the_limit_at_once_is_refused_for_ever_and_costs_nothing(client: Client) -> None:
    http = client(images_per_minute=10)
    refused = draw(http, 11)
    assert "this request costs 11" in problem(refused, 429, "quota-exceeded")["detail"]
    assert "Retry-After" not in refused.headers
    assert draw(http, 10).status_code == 200


def test_what_is_not_drawn_costs_nothing(client: Client, keyed: Api) -> None:
    http = client(images_per_minute=4)
    first = draw(http, 4, seed=1)
    assert draw(http, 4, seed=1).headers["Server-Timing"] == "memory"
    unchanged = http.get("/generate?n=4&seed=1", headers={"If-None-Match": first.headers["ETag"]})
    assert unchanged.status_code == 304
    assert draw(http, 1).status_code == 429


@pytest.mark.parametrize(("query", "status"), [({"model": "0" * 16}, 404), ({"class": "nobody"}, 422), ({"n": 0}, 422)])
def test_a_request_that_fails_is_given_back(client: Client, query: dict[str, Any], status: int) -> None:
    http = client(images_per_minute=4, images_per_day=4)
    for _ in range(3):
        answer = http.get("/generate", params={"n": 4, **query})
        assert (answer.status_code, answer.headers.get("RateLimit")) == (status, None)
    assert draw(http, 4).status_code == 200


def test_a_drawing_that_fails_is_given_back(client: Client, keyed: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    http = client(images_per_minute=20, images_per_day=20)
    monkeypatch.setattr("app.drawing.scheduler.MAX_WAITING", 0)
    for _ in range(3):
        problem(draw(http, 20), 503, "overloaded")
    monkeypatch.undo()
    assert draw(http, 20).status_code == 200
    assert draw(http, 1).status_code == 429


def test_an_animation_costs_all_its_frames(client: Client) -> None:
    http = client(images_per_minute=40)
    walked = http.get("/generate", params={"n": 2, "interpolate": "1,2", "frames": 10})
    assert walked.headers["RateLimit"].startswith('"images";r=20;')


def test_a_refusal_says_too_what_the_request_took_before(client: Client) -> None:
    http = client(requests_per_minute=60, images_per_minute=1)
    for refused in (draw(http, 2), http.post("/v1/images/generations", json={"prompt": "7", "n": 2})):
        assert refused.status_code == 429
        named = re.findall(r'"([a-z-]+)";r=', refused.headers["RateLimit"])
        assert named == re.findall(r'"([a-z-]+)";q=', refused.headers["RateLimit-Policy"]) == ["requests", "images"]
    assert refused.headers["x-ratelimit-remaining-images"] == "1"


def test_images_of_a_day_are_refused_until_midnight_and_the_minute_is_given_back(client: Client) -> None:
    http = client(images_per_minute=100, images_per_day=5)
    drawn = draw(http, 5)
    assert drawn.headers["RateLimit-Policy"] == '"images";q=100;qu="images";w=60, "images-day";q=5;qu="images";w=86400'
    assert ', "images-day";r=0;t=' in drawn.headers["RateLimit"]
    refused = draw(http, 1)
    assert "images_per_day is 5" in problem(refused, 429, "quota-exceeded")["detail"]
    midnight = 86_400 - time.time() % 86_400
    assert abs(int(refused.headers["Retry-After"]) - midnight) < 10
    minute = http.get("/usage").json()["rates"][0]
    assert minute["remaining"] >= 95


def test_every_request_counts_whatever_it_asks_for_and_probes_are_free(client: Client) -> None:
    http = client(requests_per_minute=3)
    answers = [http.get("/models"), http.get("/jobs/nobody"), http.get("/nowhere"), http.get("/jobs")]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 200]
    assert answers[0].headers["RateLimit"] == '"requests";r=2;t=20'
    assert answers[0].headers["RateLimit-Policy"] == '"requests";q=3;w=60'
    assert answers[1].headers["RateLimit"].startswith('"requests";r=1;t=')
    assert "RateLimit" not in answers[2].headers
    refused = http.post("/train", json={"preset": "smoke"})
    assert "requests_per_minute is 3" in problem(refused, 429, "quota-exceeded")["detail"]
    assert http.get("/healthz").status_code == 200


def test_jobs_are_limited_where_they_are_made(client: Client) -> None:
    http = client(jobs_per_hour=2, queued=1)
    made = http.post("/train", json={"preset": "smoke"}, headers={"Idempotency-Key": "one"})
    assert made.status_code == 202
    assert made.headers["RateLimit"] == '"jobs";r=1;t=1800'
    again = http.post("/train", json={"preset": "smoke"}, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()["id"]) == (202, made.json()["id"])
    assert "RateLimit" not in again.headers
    refused = http.post("/train", json={"preset": "smoke"})
    assert "queued is 1" in problem(refused, 429, "quota-exceeded")["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    http.post(f"/jobs/{made.json()['id']}/cancel")
    assert http.post("/train", json={"preset": "smoke"}).status_code == 202
    job = http.get("/jobs").json()["data"][0]
    http.post(f"/jobs/{job['id']}/cancel")
    refused = http.post("/train", json={"preset": "smoke"})
    assert "jobs_per_hour is 2" in problem(refused, 429, "quota-exceeded")["detail"]
    assert 1700 < int(refused.headers["Retry-After"]) <= 1800
    wait = int(refused.headers["Retry-After"])
    assert refused.headers["RateLimit"] == f'"jobs";r=0;t={wait + 1800}'
    for nothing in (http, client(jobs_per_hour=0)):
        assert '"jobs";r=0;t=' in nothing.post("/train", json={"preset": "smoke"}).headers["RateLimit"]


def test_an_import_is_refused_before_its_body_is_read_and_leaves_nothing(client: Client, keyed: Api) -> None:
    http = client(jobs_per_hour=1)
    assert http.post("/datasets?name=one", content=ZIP).status_code == 202
    uploads = keyed.services.settings.uploads_dir
    before = sorted(uploads.iterdir())
    hopeless = b"<!doctype html>"  # which is refused with 415 once it is read
    for content in (ZIP, hopeless):
        problem(http.post("/datasets?name=two", content=content), 429, "quota-exceeded")
    assert sorted(uploads.iterdir()) == before


def test_uploads_are_limited_and_one_that_is_refused_is_given_back(client: Client) -> None:
    http = client(uploads_per_hour=2)
    begin = {"Tus-Resumable": "1.0.0", "Upload-Length": "100"}
    for _ in range(3):
        assert http.post("/uploads", headers=begin | {"Upload-Length": str(2**50)}).status_code == 413
        assert http.post("/uploads", headers=begin | {"Upload-Metadata": "filename ?"}).status_code in (400, 422)
    assert http.post("/uploads", headers=begin).headers["RateLimit"].startswith('"uploads";r=1;t=18')
    assert http.post("/uploads", headers=begin).status_code == 201
    refused = http.post("/uploads", headers=begin)
    assert "uploads_per_hour is 2" in problem(refused, 429, "quota-exceeded")["detail"]


def test_openai_clients_get_their_fields_and_their_error(keyed: Api, client: Client) -> None:
    http = client(images_per_minute=3, requests_per_minute=50)
    key = http.headers["Authorization"].split()[1]
    with listening(keyed) as base, OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0) as openai:
        raw = openai.images.with_raw_response.generate(prompt="a 7", n=2)
        assert raw.headers["x-ratelimit-limit-images"] == "3"
        assert raw.headers["x-ratelimit-remaining-images"] == "1"
        assert raw.headers["x-ratelimit-reset-images"] == "40s"
        assert raw.headers["x-ratelimit-remaining-requests"] == "49"
        with pytest.raises(RateLimitError) as refused:
            openai.images.generate(prompt="a 7", n=2)
        assert refused.value.code == "rate_limit_exceeded"
        assert refused.value.response.headers["x-ratelimit-remaining-images"] == "1"
        assert 15 <= int(refused.value.response.headers["Retry-After"]) <= 20


def test_refusals_are_counted_by_their_limit(client: Client, keyed: Api) -> None:
    def counted() -> float:
        text = keyed.http.get("/metrics").text
        (line,) = [
            one
            for one in text.splitlines()
            if one.startswith("digitforge_limit_refusals") and "per_day" in one and "images" in one
        ]
        return float(line.split()[-1])

    before = counted()
    assert draw(client(images_per_day=0)).status_code == 429
    assert counted() == before + 1


def test_wrong_keys_of_an_address_are_refused_unread_and_right_ones_are_not(keyed: Api) -> None:
    known = add_key(keyed, Scope.GENERATE)
    wrong = client_with(keyed, "")
    answers = [wrong.get("/models", headers=bearer(new_key(f"{k:08d}"))) for k in range(MOST_A_MINUTE + 2)]
    assert [answer.status_code for answer in answers] == [401] * MOST_A_MINUTE + [429] * 2
    refused = problem(answers[-1], 429, "too-many-keys")
    assert (
        refused["detail"]
        == f"too many wrong keys came from this address; allowed again in {answers[-1].headers['Retry-After']} s"
    )
    assert client_with(keyed, known).get("/models").status_code == 200


def guess_too_often(api: Api) -> None:
    for _ in range(MOST_A_MINUTE + 1):
        api.services.guesses.add("127.0.0.1")


def test_where_nobody_can_tell_which_keys_are_wrong_none_is_called_so(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as redis:
        settings = Settings(redis_url=f"{redis.url.rpartition('/')[0]}/1", data_dir=tmp_path / "data")
        with served(settings) as before:
            key = add_key(before, Scope.GENERATE)
        redis.stop()
        with served(settings) as api:
            guess_too_often(api)
            problem(client_with(api, key).get("/models"), 503, "store-unavailable")
            redis.start()
            wait_until(lambda: client_with(api, key).get("/models").status_code == 200)
            guess_too_often(api)
            problem(client_with(api, new_key("aaaaaaaa")).get("/models"), 429, "too-many-keys")


def test_no_key_at_all_is_no_guess(services: Services, keyed: Api) -> None:
    nobody = client_with(keyed, "")
    del nobody.headers["Authorization"]
    assert {nobody.get("/models").status_code for _ in range(MOST_A_MINUTE + 5)} == {401}
