"""The events of all jobs: in one stream and in pages, each caller's own, and a gap that is told."""

import json
from typing import Any

import httpx
import pytest
from redis import Redis

from core.access import Scope
from jobs.keys import EVENTS
from tests.app.jobs.reading import Event, pages
from tests.hand_worker import run, submit
from tests.in_process import Api, add_key, client_with


def newest(http: httpx.Client) -> str:
    return str(http.get("/jobs?limit=1").json()["event"])


def told(http: httpx.Client, after: str, limit: int = 7) -> list[Event]:
    """All events after one, by pages."""
    events: list[Event] = []
    url: str | None = f"/events?format=json&limit={limit}&after={after}"
    while url:
        page = http.get(url).raise_for_status().json()
        assert not page["gap"]
        events += page["data"]
        url = page["next"]
    return events


def first(base: str, count: int, after: str | None, headers: dict[str, str] | None = None) -> list[dict[str, str]]:
    """The first fields of a stream, which does not end by itself."""
    query = {} if after is None else {"after": after}
    found: list[dict[str, str]] = [{}]
    with httpx.stream("GET", f"{base}/events", params=query, headers=headers, timeout=30) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                found[-1][name] = value
            elif len(found) == count:
                break
            elif "id" in found[-1]:
                found.append({})
    return found


def streamed(base: str, count: int, after: str | None, headers: dict[str, str] | None = None) -> list[Event]:
    """The first events of a stream, as a page has them."""
    fields = first(base, count, after, headers)
    return [{"id": one["id"], "type": one["event"], **json.loads(one["data"])} for one in fields]


def of_job(events: list[Event], job_id: str) -> list[dict[str, Any]]:
    """As the job itself tells them."""
    return [{"id": one["event"], "type": one["type"], "data": one["data"]} for one in events if one["job"] == job_id]


def test_they_are_those_that_each_job_tells(api: Api, http: httpx.Client) -> None:
    before = newest(http)
    jobs = [run(api.services, submit(http)).id for _ in range(2)]
    events = told(http, before)
    assert {one["job"] for one in events} == set(jobs)
    for job_id in jobs:
        assert of_job(events, job_id) == pages(http, job_id)
    ids = [tuple(map(int, one["id"].split("-"))) for one in events]
    assert ids == sorted(set(ids))
    assert told(http, newest(http)) == []


def test_a_stream_tells_the_same_and_goes_on_after_the_last_one(api: Api, http: httpx.Client, base: str) -> None:
    before = newest(http)
    job_id = run(api.services, submit(http)).id
    events = told(http, before)
    assert streamed(base, len(events), before) == events
    later = streamed(base, len(events) - 3, before, {"last-event-id": events[2]["id"]})
    assert later == events[3:]
    assert {one["job"] for one in later} == {job_id}


def test_without_an_id_it_begins_with_what_is_to_come(http: httpx.Client) -> None:
    submit(http)
    assert http.get("/events?format=json").json() == {"data": [], "gap": False, "has_more": False, "next": None}


def test_that_a_job_is_deleted_is_told(api: Api, http: httpx.Client) -> None:
    job_id = run(api.services, submit(http)).id
    before, last = newest(http), pages(http, job_id)[-1]["id"]
    http.delete(f"/jobs/{job_id}").raise_for_status()
    (event,) = told(http, before)
    assert {**event, "id": ""} == {"id": "", "job": job_id, "event": last, "type": "deleted", "data": {}}


@pytest.mark.parametrize("lost", ["trimmed", "another Redis"])
def test_a_gap_is_told(api: Api, http: httpx.Client, base: str, redis: Redis, lost: str) -> None:
    begun = newest(http)
    run(api.services, submit(http))
    if lost == "trimmed":
        redis.xtrim(EVENTS, maxlen=2, approximate=False)
    else:
        redis.delete(EVENTS)
        submit(http)
        begun = "99999999999999-0"
    assert http.get(f"/events?format=json&after={begun}").json()["gap"]
    (gap,) = first(base, 1, begun)
    assert gap == {"id": newest(http), "event": "gap", "data": "{}"}


def test_each_caller_sees_its_own_jobs(keyed: Api) -> None:
    one, other = (client_with(keyed, add_key(keyed, Scope.JOBS_READ, Scope.JOBS_WRITE)) for _ in range(2))
    before = newest(keyed.http)
    mine, theirs = submit(one), submit(other)
    assert {event["job"] for event in told(one, before)} == {mine}
    assert {event["job"] for event in told(other, before)} == {theirs}
    assert {event["job"] for event in told(keyed.http, before)} == {mine, theirs}


def test_a_text_that_is_no_id_is_refused(http: httpx.Client) -> None:
    answer = http.get("/events?after=yesterday")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "after"
