"""A job's events: streams that end with the job, and pages."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from redis import Redis

from app.http.services import Services
from jobs.redis_client import connect
from tests.app.jobs.reading import pages, stream
from tests.hand_worker import run, submit
from tests.in_process import Api, served


@pytest.fixture(scope="module")
def ended(api: Api) -> str:
    return run(api.services, submit(api.http)).id


def test_a_stream_and_the_pages_tell_the_same(http: httpx.Client, ended: str) -> None:
    events = list(stream(http, ended))
    kinds = [event["type"] for event in events if event["type"] != "progress"]
    assert kinds == ["queued", "running", "started", "epoch", "epoch", "publishing", "succeeded"]
    assert (events[0]["data"], events[1]["data"]) == ({"reason": "created"}, {"attempt": 1})
    assert pages(http, ended) == pages(http, ended, 1) == events
    assert f'"{events[-1]["id"]}"' == http.get(f"/jobs/{ended}").headers["etag"]


def test_a_stream_begins_behind_the_last_event_that_was_seen(http: httpx.Client, ended: str) -> None:
    events = list(stream(http, ended))
    for k, event in enumerate(events[:-1]):
        assert list(stream(http, ended, after=event["id"])) == events[k + 1 :]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/event-stream"),
        ("*/*", "text/event-stream"),
        ("text/*", "text/event-stream"),
        ("application/json", "application/json"),
        ("application/*", "application/json"),
        ("application/json, text/event-stream", "text/event-stream"),  # equals: what comes first of ours
        ("application/json, text/event-stream;q=0.5", "application/json"),
        ("application/json;q=0.5, text/event-stream", "text/event-stream"),
        ("text/event-stream;q=0, */*", "application/json"),
        ("text/html", "text/event-stream"),  # neither: as without a word
        ("text/html, application/json;q=0.1, */*;q=0.05", "application/json"),
    ],
)
def test_accept_chooses_between_stream_and_page(http: httpx.Client, ended: str, accept: str | None, kind: str) -> None:
    headers = {"accept": accept} if accept else {}
    answer = http.get(f"/jobs/{ended}/events", headers=headers)
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize(("format_", "kind"), [("json", "application/json"), ("sse", "text/event-stream")])
def test_what_the_url_says_goes_before_accept(http: httpx.Client, ended: str, format_: str, kind: str) -> None:
    for accept in ("text/html", "application/json", "text/event-stream"):
        answer = http.get(f"/jobs/{ended}/events?format={format_}", headers={"accept": accept})
        assert answer.headers["content-type"].partition(";")[0] == kind
        assert "vary" not in answer.headers


def test_what_is_no_event_id_is_refused(http: httpx.Client, ended: str) -> None:
    events = f"/jobs/{ended}/events"
    for text in ("yesterday", "99999999999999999999-0", "18446744073709551616", "1-2-3"):
        for format_ in ("sse", "json"):
            url = f"{events}?format={format_}"
            by_header, by_query = http.get(url, headers={"last-event-id": text}), http.get(f"{url}&after={text}")
            for refused, name in ((by_header, "Last-Event-ID"), (by_query, "after")):
                assert refused.status_code == 422
                (error,) = refused.json()["errors"]
                assert (error["parameter"], error["value"]) == (name, text)
                assert "1700000000000-0" in error["detail"]
    assert http.get(events, params={"after": "\u0661\u0662-\u0660"}).status_code == 422
    assert http.get("/jobs/nobody/events").status_code == 404


def test_who_stands_behind_the_last_event_is_told_not_to_come_again(http: httpx.Client, ended: str) -> None:
    last = pages(http, ended, 1000)[-1]["id"]
    milliseconds, _, sequence = last.partition("-")
    behind = [last, f"{milliseconds}-{int(sequence) + 1}", f"{milliseconds}0", "9999999999999-0", f"{2**64 - 1}-0"]
    for event_id in behind:
        assert http.get(f"/jobs/{ended}/events", headers={"last-event-id": event_id}).status_code == 204
        assert http.get(f"/jobs/{ended}/events?format=json&after={event_id}").json()["data"] == []
    assert [event["id"] for event in stream(http, ended, after=f"{int(milliseconds) - 1}-5")][-1] == last
    assert [event["id"] for event in stream(http, ended, after="9-0")][-1] == last  # as text it would be behind


def told(http: httpx.Client, job_id: str, after: str | None, meanwhile: Callable[[], object]) -> list[str]:
    """The types of the events of one connection, which ends because of what happens meanwhile."""
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.extend(event["type"] for event in stream(http, job_id, after)))
    reader.start()
    time.sleep(0.5)  # until it waits; where it does not yet, the test sees less
    assert reader.is_alive()
    meanwhile()
    reader.join(timeout=15)
    assert not reader.is_alive()
    return seen


def test_a_stream_that_has_nothing_to_tell_ends_with_its_job_too(http: httpx.Client) -> None:
    waiting = submit(http)
    assert told(http, waiting, "9999999999999-0", lambda: http.post(f"/jobs/{waiting}/cancel")) == []


def test_a_stream_ends_when_its_job_is_gone(services: Services, tmp_path: Path) -> None:
    other = f"{services.settings.redis_url.removesuffix('/0')}/1"  # a database that may be emptied
    settings = services.settings.model_copy(update={"redis_url": other, "data_dir": tmp_path})
    with served(settings) as (http, *_), connect(other) as redis:
        waiting = submit(http)
        assert told(http, waiting, None, redis.flushdb) == ["queued"]
        assert http.get(f"/jobs/{waiting}/events").status_code == 404


def test_a_request_that_redis_refuses_is_not_redis_being_away(http: httpx.Client, own_redis: Redis) -> None:
    own_redis.set("digitforge:job:odd", "no record")
    refused = http.get("/jobs/odd")
    own_redis.delete("digitforge:job:odd")
    assert (refused.status_code, refused.json()["type"]) == (500, "internal")
