"""The events of all jobs: one order, each once, and to each caller its own."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from app.http.services import Services
from core.access import Scope
from core.settings import Settings
from jobs.keys import EVENTS
from tests.app.jobs.reading import pages
from tests.hand_worker import SMOKE, run, submit
from tests.in_process import Api, add_key, bearer, listening, served

Event = dict[str, Any]


@pytest.fixture
def fresh(services: Services, redis_apart: Redis, url_apart: str, tmp_path: Path) -> Iterator[Api]:
    """An API whose Redis has seen nothing yet."""
    with served(services.settings.model_copy(update={"redis_url": url_apart, "data_dir": tmp_path})) as api:
        yield api


def follow(base: str, until: str, after: str | None = None, **headers: str) -> list[Event]:
    """The events of a stream, up to the first of a type."""
    events: list[Event] = []
    headers |= {"last-event-id": after} if after else {}
    with httpx.stream("GET", f"{base}/events", headers=headers, timeout=30) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            events.append({"id": fields["id"], "type": fields["event"], **json.loads(fields["data"])})
            if fields["event"] == until:
                return events
    raise AssertionError("the stream ended")


def page(http: httpx.Client, **query: str | int) -> dict[str, Any]:
    answer = http.get("/events", params={"format": "json", "limit": 1000, **query}).raise_for_status()
    return dict(answer.json())


def test_it_tells_what_each_jobs_own_events_tell_and_that_it_was_deleted(fresh: Api) -> None:
    ids = [run(fresh.services, submit(fresh.http)).id for _ in range(2)]
    told = page(fresh.http)["data"]
    for job_id in ids:
        own = [{"id": one["event"], "type": one["type"], "data": one["data"]} for one in told if one["job"] == job_id]
        assert own == pages(fresh.http, job_id)
    fresh.http.delete(f"/jobs/{ids[0]}").raise_for_status()
    (deleted,) = page(fresh.http, after=told[-1]["id"])["data"]
    assert (deleted["job"], deleted["type"], deleted["data"]) == (ids[0], "deleted", {})


def test_a_stream_goes_on_behind_each_event_and_pages_tell_the_same(fresh: Api) -> None:
    run(fresh.services, submit(fresh.http))
    told = page(fresh.http)["data"]
    with listening(fresh) as base:
        for k, event in enumerate(told[:-1]):
            streamed = follow(base, "succeeded", after=event["id"])
            assert [one for one in streamed if one["type"] != "position"] == told[k + 1 :]
    by_two, after = [], "0-0"
    while (one := page(fresh.http, limit=2, after=after))["data"]:
        by_two += one["data"]
        after = one["data"][-1]["id"]
    assert by_two == told


def test_what_happens_after_a_list_of_jobs_comes_after_the_event_it_names(fresh: Api) -> None:
    assert fresh.http.get("/jobs").json()["event"] == "0-0"
    submit(fresh.http)
    listed = fresh.http.get("/jobs").json()
    later = submit(fresh.http)
    told = page(fresh.http, after=listed["event"])
    assert ([one["job"] for one in told["data"]], told["gap"]) == ([later], False)


def test_without_an_id_it_begins_with_what_happens_from_then_on(fresh: Api) -> None:
    before, seen = submit(fresh.http), list[Event]()
    with listening(fresh) as base:
        begun = follow(base, "position")
        reader = threading.Thread(target=lambda: seen.extend(follow(base, "cancelled", after=begun[0]["id"])))
        reader.start()
        fresh.http.post(f"/jobs/{before}/cancel")
        reader.join(20)
    assert [one["type"] for one in begun] == ["position"]
    assert [one["type"] for one in seen if one["type"] != "position"] == ["cancelled"]


def test_a_caller_is_told_of_its_own_jobs_and_an_admin_of_all(fresh: Api) -> None:
    ann, bob, admin = (
        bearer(add_key(fresh, *scopes, name=name))
        for name, scopes in (
            ("ann", (Scope.JOBS_READ, Scope.JOBS_WRITE)),
            ("bob", (Scope.JOBS_READ, Scope.JOBS_WRITE)),
            ("admin", (Scope.ADMIN,)),
        )
    )
    of_ann, of_bob = (submit(fresh.http, SMOKE, **key) for key in (ann, bob))

    def jobs_of(key: dict[str, str]) -> set[str]:
        answer = fresh.http.get("/events?format=json", headers=key)
        return {event["job"] for event in answer.json()["data"]}

    assert (jobs_of(ann), jobs_of(bob), jobs_of(admin)) == ({of_ann}, {of_bob}, {of_ann, of_bob})
    assert fresh.http.get("/events?format=json").status_code == 401
    fresh.http.post(f"/jobs/{of_ann}/cancel", headers=ann)
    fresh.http.post(f"/jobs/{of_bob}/cancel", headers=bob)
    with listening(fresh) as base:
        streamed = follow(base, "cancelled", after="0-1", **bob)
    assert {one["job"] for one in streamed if "job" in one} == {of_bob}


def test_a_gap_is_told_where_events_are_no_longer_kept(fresh: Api, redis_apart: Redis) -> None:
    first = page(fresh.http)["data"] or submit(fresh.http)
    assert first
    oldest = page(fresh.http)["data"][0]["id"]
    run(fresh.services, submit(fresh.http))
    redis_apart.xtrim(EVENTS, maxlen=3, approximate=False)
    kept = page(fresh.http)["data"]
    assert (len(kept), page(fresh.http)["gap"], page(fresh.http, after=oldest)["gap"]) == (3, False, True)
    assert page(fresh.http, after=kept[0]["id"])["gap"] is False
    with listening(fresh) as base:
        streamed = follow(base, "succeeded", after=oldest)
    assert streamed[0]["type"] == "gap"
    assert [one for one in streamed[1:] if one["type"] != "position"] == kept


def test_a_gap_is_told_where_redis_has_less_than_it_had(fresh: Api, redis_apart: Redis) -> None:
    submit(fresh.http)
    redis_apart.delete(EVENTS)
    with listening(fresh) as base:
        told = follow(base, "position", after="1700000000000-0")
    assert [(one["type"], one["id"]) for one in told] == [("gap", "0-0"), ("position", "0-0")]


def test_a_restarted_server_goes_on_where_the_last_one_was(fresh: Api) -> None:
    with listening(fresh) as base:
        submit(fresh.http)
        seen = follow(base, "queued", after="0-1")
    settings: Settings = fresh.services.settings
    run(fresh.services, page(fresh.http)["data"][0]["job"])
    with served(settings) as again, listening(again) as base:
        seen += follow(base, "succeeded", after=seen[-1]["id"])
    told = [one for one in seen if one["type"] not in ("position", "gap")]
    assert told == page(fresh.http)["data"]


def test_what_is_no_event_id_is_refused(http: httpx.Client) -> None:
    (error,) = http.get("/events?after=yesterday").json()["errors"]
    assert (error["parameter"], error["value"]) == ("after", "yesterday")
