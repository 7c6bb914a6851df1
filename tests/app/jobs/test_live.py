"""What only a worker shows: events while a job trains, and its trainer's memory after a cancel."""

import httpx
import pytest

from jobs.redis_client import connect
from tests.app.jobs.reading import Event, pages, stream
from tests.hand_worker import SMOKE, submit
from tests.service import Service, follow, redis_url, wait_until


def test_a_stream_goes_on_after_the_last_event_that_was_seen(service_http: httpx.Client) -> None:
    job_id = submit(service_http, {**SMOKE, "epochs": 4})
    seen: list[Event] = []
    while not seen or seen[-1]["type"] != "succeeded":
        for event in stream(service_http, job_id, after=seen[-1]["id"] if seen else None):
            seen.append(event)
            if len(seen) % 3 == 0:
                break  # and connect again
    assert seen == pages(service_http, job_id)
    again = service_http.get(f"/jobs/{job_id}/events", headers={"last-event-id": seen[-1]["id"]})
    assert again.status_code == 204

    job = service_http.get(f"/jobs/{job_id}").json()
    kinds = [event["type"] for event in seen if event["type"] not in ("progress", "warning")]
    assert kinds == ["queued", "running", "started", *["epoch"] * 4, "publishing", "succeeded"]
    epochs = [event["data"] for event in seen if event["type"] == "epoch"]
    assert epochs[-1]["scores"] == job["progress"]["scores"]
    assert [event["data"]["step"] for event in seen if event["type"] == "progress"][-1] == job["progress"]["step"]


def test_a_stream_that_redis_refuses_breaks_off(service: Service, service_http: httpx.Client) -> None:
    job_id = submit(service_http)
    service_http.post(f"/jobs/{job_id}/cancel")
    follow(service_http, job_id, "cancelled", "succeeded")
    with connect(redis_url(service)) as redis:
        redis.delete(f"digitforge:events:{job_id}")
        redis.set(f"digitforge:events:{job_id}", "no stream")
        with pytest.raises(httpx.RemoteProtocolError):
            list(stream(service_http, job_id))
        redis.delete(f"digitforge:events:{job_id}")


def test_a_cancel_is_answered_at_once_and_the_memory_of_the_trainer_is_free(
    service_http: httpx.Client, service: Service
) -> None:
    job_id = submit(service_http, {**SMOKE, "epochs": 10_000})
    wait_until(lambda: service_http.get(f"/jobs/{job_id}").json()["progress"])
    answer = service_http.post(f"/jobs/{job_id}/cancel")
    assert (answer.json()["status"], answer.json()["request"]) == ("running", "cancel")
    job = follow(service_http, job_id, "cancelled")
    assert job["memory"]["before_mb"] > 100
    assert job["memory"]["after_mb"] == 0
    assert service.trainers() == []
    kinds = [event["type"] for event in pages(service_http, job_id, 100)]
    assert kinds[-2:] == ["requested", "cancelled"] or "requested" in kinds
    assert kinds.count("cancelled") == 1
