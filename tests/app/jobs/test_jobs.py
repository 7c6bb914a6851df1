"""Following, keeping and deleting jobs over HTTP: long polls, keys, a full queue, and their end."""

import threading
import time
from pathlib import Path
from uuid import uuid4

import httpx
from redis import Redis

from app.http.services import Services
from app.jobs.views import ImportJobView, JobView
from jobs.queue import QUEUE
from jobs.record import Job
from tests.hand_worker import SMOKE, Attempt, run, submit
from tests.in_process import served
from worker.sweeper import Sweeper

LONG = {**SMOKE, "epochs": 10_000}


def sweep(services: Services) -> None:
    """What every worker does every few seconds."""
    Sweeper(services.store, services.places, services.queue).sweep()


def test_a_job_is_shown_with_what_its_worker_told(http: httpx.Client, services: Services) -> None:
    job_id = submit(http)
    assert http.get(f"/jobs/{job_id}").json()["status"] == "queued"
    attempt = Attempt(services, job_id)
    attempt.epoch(1)
    running = http.get(f"/jobs/{job_id}").json()
    assert (running["status"], running["attempt"], running["device"]) == ("running", 1, "cpu")
    best = {"epoch": 1, "frechet": 40.0, "kid": None, "compared_by": "frechet"}
    assert running["progress"]["best"] == best
    assert (running["model"], running["links"]["generate"]) == (None, None)
    job = attempt.succeed()
    shown = http.get(f"/jobs/{job_id}").json()
    assert (shown["status"], shown["model"]) == ("succeeded", job.model_id)
    assert shown["links"]["generate"] == f"/generate?model={job.model_id}"
    assert shown["publication"] == {"active": False, "reason": "the job said publish = never"}


def test_every_field_of_a_record_is_shown_or_left_out_on_purpose() -> None:
    not_shown = {"spec", "event", "traceparent", "saved"}
    assert set(Job.model_fields) - set(JobView.model_fields) == not_shown | {"model_id", "dataset"}
    of_trainings = {"device", "model_id", "publication", "memory"}
    assert set(Job.model_fields) - set(ImportJobView.model_fields) == not_shown | of_trainings


def test_a_long_poll_answers_when_something_changes(http: httpx.Client) -> None:
    waiting = submit(http)
    etag = http.get(f"/jobs/{waiting}").headers["etag"]
    unchanged = http.get(f"/jobs/{waiting}?wait=0.5", headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.headers["etag"]) == (304, etag)

    threading.Timer(0.5, lambda: http.post(f"/jobs/{waiting}/cancel")).start()
    changed = http.get(f"/jobs/{waiting}?wait=30", headers={"if-none-match": etag})
    assert changed.json()["status"] == "cancelled"
    assert changed.headers["etag"] != etag
    assert http.get(f"/jobs/{waiting}?wait=31").status_code == 422


def test_the_same_key_makes_one_job_and_is_answered_as_the_first_time(http: httpx.Client, services: Services) -> None:
    key = {"idempotency-key": uuid4().hex}
    first = http.post("/train", json=SMOKE, headers=key)
    run(services, first.json()["id"])
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
    http.post(anew.json()["links"]["cancel"])


def test_a_queue_that_is_full_says_when_to_come_again(services: Services, tmp_path: Path) -> None:
    other = f"{services.settings.redis_url.removesuffix('/0')}/1"
    own = {"max_queued": 1, "redis_url": other, "data_dir": tmp_path}
    with served(services.settings.model_copy(update=own)) as (http, full, *_):
        running = submit(http, LONG)
        Attempt(full, running)
        key = {"idempotency-key": "mine"}
        waiting = submit(http, LONG, **key)
        refused = http.post("/train", json=LONG)
        assert (refused.status_code, refused.json()["type"]) == (429, "queue-full")
        assert int(refused.headers["retry-after"]) == 60  # no job was measured yet
        assert http.post("/train", json=LONG, headers=key).json()["id"] == waiting
        assert len(http.get("/jobs").json()["data"]) == 2
        http.post(f"/jobs/{waiting}/cancel")
        http.delete(f"/jobs/{waiting}").raise_for_status()
        http.post(f"/jobs/{submit(http, LONG)}/cancel")


def test_an_ended_job_is_deleted_with_its_files_and_its_model_stays(
    http: httpx.Client, services: Services, runs_dir: Path
) -> None:
    job_id = submit(http)
    early = http.delete(f"/jobs/{job_id}")
    assert (early.status_code, early.json()["type"]) == (409, "job-state-conflict")
    job = run(services, job_id)
    assert (runs_dir / job_id).is_dir()
    assert http.delete(f"/jobs/{job_id}").status_code == 204
    assert not (runs_dir / job_id).exists()
    for gone in (f"/jobs/{job_id}", f"/jobs/{job_id}/events", f"/jobs/{job_id}/logs"):
        assert http.get(gone).status_code == 404
    assert http.delete(f"/jobs/{job_id}").status_code == 404
    assert job_id not in [row["id"] for row in http.get("/jobs").json()["data"]]
    assert http.get(f"/generate?model={job.model_id}").status_code == 200


def test_jobs_that_ended_long_ago_are_deleted(
    http: httpx.Client, services: Services, own_redis: Redis, runs_dir: Path
) -> None:
    old, young = (run(services, submit(http)).id for _ in range(2))
    own_redis.zadd("digitforge:ended", {old: (time.time() - 31 * 86_400) * 1000})
    sweep(services)
    assert http.get(f"/jobs/{old}").status_code == 404
    assert not (runs_dir / old).exists()
    assert http.get(f"/jobs/{young}").status_code == 200


def test_a_job_is_accepted_and_resumed_whatever_goes_wrong_with_its_message(
    http: httpx.Client, services: Services, own_redis: Redis
) -> None:
    own_redis.delete(QUEUE)
    own_redis.set(QUEUE, "no list, so no message can be put there")
    answer = http.post("/train", json=SMOKE)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    job_id = answer.json()["id"]
    http.post(f"/jobs/{job_id}/pause")
    answer = http.post(f"/jobs/{job_id}/resume")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    own_redis.delete(QUEUE)
    sweep(services)
    assert job_id in str(own_redis.lrange(QUEUE, 0, -1))
    assert run(services, job_id).attempt == 1
