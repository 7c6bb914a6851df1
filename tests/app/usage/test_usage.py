"""GET /usage: what a key has used, and may have."""

from datetime import UTC, datetime, timedelta

from core.access import Scope
from tests.app.http.test_errors import problem
from tests.in_process import Api, add_key, client_with

EVERYTHING = (Scope.GENERATE, Scope.JOBS_READ, Scope.JOBS_WRITE)


def id_of(key: str) -> str:
    return key.split("_")[1]


def test_use_is_told_against_limits(keyed: Api) -> None:
    key = add_key(keyed, *EVERYTHING, images_per_minute=100, images_per_day=1000, jobs_per_hour=4, queued=3, streams=2)
    http = client_with(keyed, key)
    http.get("/generate?n=7").raise_for_status()
    job = http.post("/train", json={"preset": "smoke"}).raise_for_status().json()
    told = http.get("/usage").raise_for_status().json()
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert told["key"] == id_of(key)
    assert datetime.fromisoformat(told["resets_at"]) == datetime.combine(tomorrow, datetime.min.time(), UTC)
    assert told["day"] == (tomorrow - timedelta(days=1)).isoformat()
    assert told["images_per_day"] == {"used": 7, "limit": 1000}
    assert told["device_s_per_day"] == {"used": 0, "limit": None}
    assert told["queued"] == {"used": 1, "limit": 3}
    assert told["running"] == {"used": 0, "limit": None}
    assert told["streams"] == 2
    rates = {rate["limit"]: rate for rate in told["rates"]}
    assert set(rates) == {"images_per_minute", "jobs_per_hour"}
    assert 93 <= rates["images_per_minute"]["remaining"] < 100
    assert rates["jobs_per_hour"] == {
        "limit": "jobs_per_hour",
        "most": 4,
        "window_s": 3600,
        "remaining": 3,
        "reset_s": rates["jobs_per_hour"]["reset_s"],
    }
    assert 800 < rates["jobs_per_hour"]["reset_s"] <= 900
    http.post(f"/jobs/{job['id']}/cancel")


def test_an_admin_sees_the_use_of_a_key_and_nobody_else_does(keyed: Api) -> None:
    key, other = add_key(keyed, *EVERYTHING, images_per_day=50), add_key(keyed, *EVERYTHING)
    client_with(keyed, key).get("/generate?n=5").raise_for_status()
    told = keyed.http.get("/usage", params={"key": id_of(key)}).raise_for_status().json()
    assert (told["key"], told["images_per_day"]) == (id_of(key), {"used": 5, "limit": 50})
    assert client_with(keyed, key).get("/usage", params={"key": id_of(key)}).status_code == 200
    refused = client_with(keyed, other).get("/usage", params={"key": id_of(key)})
    problem(refused, 403, "missing-scope")
    problem(keyed.http.get("/usage?key=nobody"), 404, "key-not-found")


def test_without_keys_everybody_is_one_caller(api: Api) -> None:
    before = api.http.get("/usage").raise_for_status().json()
    assert before["key"] == "anybody"
    api.http.get("/generate?n=3").raise_for_status()
    after = api.http.get("/usage").raise_for_status().json()
    assert after["images_per_day"] == {"used": before["images_per_day"]["used"] + 3, "limit": None}
    assert after["rates"] == []
