"""Following and keeping jobs over HTTP: events, long polls, keys, files, and their end."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis import Redis

from jobs.queue import QUEUE
from jobs.redis_client import connect
from tests.service import Service, follow, redis_url, wait_until

SMOKE = {"preset": "smoke", "publish": "never"}
LONG = {**SMOKE, "epochs": 10_000}

Event = dict[str, Any]


@pytest.fixture
def own_redis(service: Service) -> Iterator[Redis]:
    client = connect(redis_url(service))
    yield client
    client.close()


def submit(http: httpx.Client, body: Mapping[str, object], **headers: str) -> str:
    response = http.post("/train", json=body, headers=headers)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def end(http: httpx.Client, job_id: str) -> None:
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def stream(http: httpx.Client, job_id: str, after: str | None = None) -> Iterator[Event]:
    """The events of one connection, by a parser of our own."""
    headers = {"accept": "text/event-stream"} | ({"last-event-id": after} if after else {})
    with http.stream("GET", f"/jobs/{job_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "id" in fields:
                yield {"id": fields["id"], "type": fields["event"], "data": json.loads(fields["data"])}
                fields = {}


def pages(http: httpx.Client, job_id: str, limit: int = 7) -> list[Event]:
    """All events, by pages."""
    events: list[Event] = []
    url: str | None = f"/jobs/{job_id}/events?format=json&limit={limit}"
    while url:
        answer = http.get(url).raise_for_status()
        assert "x-accel-buffering" not in answer.headers  # a proxy may buffer what is no stream
        page = answer.json()
        assert len(page["data"]) == limit or not page["has_more"]
        events += page["data"]
        url = page["next"]
    return events


def test_a_stream_tells_the_whole_life_of_a_job_and_ends_with_it(http: httpx.Client) -> None:
    job_id = submit(http, SMOKE)
    events = list(stream(http, job_id))
    job = http.get(f"/jobs/{job_id}").json()
    kinds = [event["type"] for event in events if event["type"] not in ("progress", "warning")]
    assert kinds == ["queued", "running", "started", "epoch", "epoch", "publishing", "succeeded"]
    assert events[0]["data"] == {"reason": "created"}
    assert events[1]["data"] == {"attempt": 1}
    epochs = [event["data"] for event in events if event["type"] == "epoch"]
    assert epochs[-1]["scores"] == job["progress"]["scores"]
    assert [event["data"]["step"] for event in events if event["type"] == "progress"][-1] == job["progress"]["step"]
    assert pages(http, job_id) == events
    assert f'"{events[-1]["id"]}"' == http.get(f"/jobs/{job_id}").headers["etag"]


def test_a_stream_goes_on_after_the_last_event_that_was_seen(http: httpx.Client) -> None:
    job_id = submit(http, {**SMOKE, "epochs": 12})
    seen: list[Event] = []
    while not seen or seen[-1]["type"] != "succeeded":
        for event in stream(http, job_id, after=seen[-1]["id"] if seen else None):
            seen.append(event)
            if len(seen) % 3 == 0:
                break  # and connect again
    assert seen == pages(http, job_id)
    again = http.get(f"/jobs/{job_id}/events", headers={"last-event-id": seen[-1]["id"]})
    assert again.status_code == 204


def test_what_is_no_event_id_is_refused(http: httpx.Client) -> None:
    events = f"/jobs/{submit(http, SMOKE)}/events"
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


def test_who_stands_behind_the_last_event_is_told_not_to_come_again(http: httpx.Client) -> None:
    job_id = submit(http, SMOKE)
    follow(http, job_id, "succeeded")
    last = pages(http, job_id, 1000)[-1]["id"]
    milliseconds, _, sequence = last.partition("-")
    behind = [last, f"{milliseconds}-{int(sequence) + 1}", f"{milliseconds}0", "9999999999999-0", f"{2**64 - 1}-0"]
    for event_id in behind:
        assert http.get(f"/jobs/{job_id}/events", headers={"last-event-id": event_id}).status_code == 204
        assert http.get(f"/jobs/{job_id}/events?format=json&after={event_id}").json()["data"] == []
    assert [event["id"] for event in stream(http, job_id, after=f"{int(milliseconds) - 1}-5")][-1] == last
    assert [event["id"] for event in stream(http, job_id, after="9-0")][-1] == last  # as text it would be behind


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
    running, waiting = submit(http, LONG), submit(http, LONG)
    assert told(http, waiting, "9999999999999-0", lambda: http.post(f"/jobs/{waiting}/cancel")) == []
    end(http, running)


def test_a_stream_ends_when_its_job_is_gone(tmp_path: Path) -> None:
    with Service(tmp_path) as service, httpx.Client(base_url=service.base, timeout=30) as http:
        running, waiting = submit(http, LONG), submit(http, LONG)
        with connect(redis_url(service)) as redis:
            assert told(http, waiting, None, redis.flushall) == ["queued"]
        for job_id in (running, waiting):
            assert http.get(f"/jobs/{job_id}/events").status_code == 404


def test_a_request_that_redis_refuses_is_not_redis_being_away(http: httpx.Client, own_redis: Redis) -> None:
    own_redis.set("digitforge:job:odd", "no record")
    refused = http.get("/jobs/odd")
    own_redis.delete("digitforge:job:odd")
    assert (refused.status_code, refused.json()["type"]) == (500, "internal")

    job_id = follow(http, submit(http, SMOKE), "succeeded")["id"]
    own_redis.delete(f"digitforge:events:{job_id}")
    own_redis.set(f"digitforge:events:{job_id}", "no stream")
    with pytest.raises(httpx.RemoteProtocolError):
        list(stream(http, job_id))
    own_redis.delete(f"digitforge:events:{job_id}")


def test_a_long_poll_answers_when_something_changes(http: httpx.Client) -> None:
    running = submit(http, LONG)
    waiting = submit(http, LONG)
    etag = http.get(f"/jobs/{waiting}").headers["etag"]
    unchanged = http.get(f"/jobs/{waiting}?wait=0.5", headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.headers["etag"]) == (304, etag)

    threading.Timer(0.5, lambda: http.post(f"/jobs/{waiting}/cancel")).start()
    changed = http.get(f"/jobs/{waiting}?wait=30", headers={"if-none-match": etag})
    assert changed.json()["status"] == "cancelled"
    assert changed.headers["etag"] != etag
    assert http.get(f"/jobs/{waiting}?wait=31").status_code == 422
    end(http, running)


def test_the_same_key_makes_one_job_and_is_answered_as_the_first_time(http: httpx.Client) -> None:
    key = {"idempotency-key": uuid4().hex}
    first = http.post("/train", json=SMOKE, headers=key)
    follow(http, first.json()["id"], "succeeded")
    again = http.post("/train", json=SMOKE, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers

    other = http.post("/train", json=LONG, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "idempotency-key-reused")
    assert http.post("/train", json=SMOKE, headers={"idempotency-key": "x" * 256}).status_code == 422

    http.delete(f"/jobs/{first.json()['id']}").raise_for_status()
    anew = http.post("/train", json=SMOKE, headers=key)
    assert anew.status_code == 202
    assert "idempotency-replayed" not in anew.headers
    assert http.get(anew.headers["location"]).json()["id"] == anew.json()["id"] != first.json()["id"]
    follow(http, anew.json()["id"], "succeeded")


def test_a_queue_that_is_full_says_when_to_come_again(tmp_path: Path) -> None:
    with (
        Service(tmp_path, max_queued="1") as service,
        httpx.Client(base_url=service.base, timeout=30) as http,
    ):
        running = submit(http, LONG)
        follow(http, running, "running")
        key = {"idempotency-key": "mine"}
        waiting = submit(http, LONG, **key)
        refused = http.post("/train", json=LONG)
        assert (refused.status_code, refused.json()["type"]) == (429, "queue-full")
        assert int(refused.headers["retry-after"]) == 60  # no job was measured yet
        assert http.post("/train", json=LONG, headers=key).json()["id"] == waiting
        assert len(http.get("/jobs").json()["data"]) == 2
        end(http, waiting)
        submit(http, LONG)
        end(http, running)


def test_checkpoints_are_listed_and_downloaded_in_parts(http: httpx.Client) -> None:
    job_id = submit(http, SMOKE)
    job = follow(http, job_id, "succeeded")
    checkpoints = http.get(job["links"]["checkpoints"]).json()["data"]
    assert [checkpoint["epoch"] for checkpoint in checkpoints] == [1, 2]
    assert checkpoints[-1]["id"] == job["model"]
    for file in checkpoints[-1]["files"].values():
        whole = http.get(file["href"])
        assert len(whole.content) == file["bytes"]
        assert sha256(whole.content).hexdigest() == file["sha256"]
        part = http.get(file["href"], headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert http.get(f"/jobs/{job_id}/checkpoints/9/generator").status_code == 404
    assert http.get(f"/jobs/{job_id}/checkpoints/1/optimizer").status_code == 422


def test_the_log_is_text_and_can_be_cut_short(http: httpx.Client) -> None:
    job = follow(http, submit(http, SMOKE), "succeeded")
    log = http.get(job["links"]["logs"])
    assert log.headers["content-type"].startswith("text/plain")
    assert "epoch 2: loss_d" in log.text
    lines = log.text.splitlines()
    assert http.get(f"{job['links']['logs']}?tail=2").text.splitlines() == lines[-2:]


def test_an_ended_job_is_deleted_with_its_files_and_its_model_stays(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, SMOKE)
    early = http.delete(f"/jobs/{job_id}")
    assert (early.status_code, early.json()["type"]) == (409, "job-state-conflict")
    job = follow(http, job_id, "succeeded")
    folder = service.folder / "runs" / job_id
    assert folder.is_dir()
    assert http.delete(f"/jobs/{job_id}").status_code == 204
    assert not folder.exists()
    for gone in (f"/jobs/{job_id}", f"/jobs/{job_id}/events", f"/jobs/{job_id}/logs"):
        assert http.get(gone).status_code == 404
    assert http.delete(f"/jobs/{job_id}").status_code == 404
    assert job_id not in [row["id"] for row in http.get("/jobs").json()["data"]]
    assert http.get(f"/generate?model={job['model']}").status_code == 200


def test_jobs_that_ended_long_ago_are_deleted(http: httpx.Client, service: Service, own_redis: Redis) -> None:
    old, young = (follow(http, submit(http, SMOKE), "succeeded")["id"] for _ in range(2))
    own_redis.zadd("digitforge:ended", {old: (time.time() - 31 * 86_400) * 1000})
    wait_until(lambda: http.get(f"/jobs/{old}").status_code == 404)
    wait_until(lambda: not (service.folder / "runs" / old).exists())
    assert http.get(f"/jobs/{young}").status_code == 200


def test_a_cancel_is_answered_at_once_and_the_memory_of_the_trainer_is_free(
    http: httpx.Client, service: Service
) -> None:
    job_id = submit(http, LONG)
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["progress"])
    answer = http.post(f"/jobs/{job_id}/cancel")
    assert (answer.json()["status"], answer.json()["request"]) == ("running", "cancel")
    job = follow(http, job_id, "cancelled")
    assert job["memory"]["before_mb"] > 100
    assert job["memory"]["after_mb"] == 0
    assert service.trainers() == []
    kinds = [event["type"] for event in pages(http, job_id, 100)]
    assert kinds[-2:] == ["requested", "cancelled"] or "requested" in kinds
    assert kinds.count("cancelled") == 1


def test_a_job_is_accepted_and_resumed_whatever_goes_wrong_with_its_message(
    http: httpx.Client, own_redis: Redis
) -> None:
    blocking = submit(http, LONG)  # so that no worker waits at the queue, which is not there for a while
    follow(http, blocking, "running")
    kept = own_redis.lrange(QUEUE, 0, -1)
    own_redis.set(QUEUE, "no list, so no message can be put there")
    answer = http.post("/train", json=SMOKE)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    job_id = answer.json()["id"]
    http.post(f"/jobs/{job_id}/pause")
    answer = http.post(f"/jobs/{job_id}/resume")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    own_redis.delete(QUEUE)
    if kept:
        own_redis.lpush(QUEUE, *kept)
    http.post(f"/jobs/{blocking}/cancel")
    assert follow(http, job_id, "succeeded")["attempt"] == 1
