"""A job is cancelled, paused, resumed, tried again, and waits for its turn."""

import os
import signal

import httpx

from tests.service import Service, follow, wait_until
from tests.system.jobs import LONG, first_checkpoint, submit


def test_a_running_job_is_cancelled_and_its_trainer_is_gone(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, LONG)
    follow(http, job_id, "running")
    first_checkpoint(http, job_id)
    assert len(service.trainers()) == 1
    assert http.post(f"/jobs/{job_id}/cancel").status_code == 202
    job = follow(http, job_id, "cancelled")
    assert job["finished_at"]
    assert job["model"] is None
    assert service.trainers() == []
    assert http.post(f"/jobs/{job_id}/pause").status_code == 409


def test_a_paused_job_goes_on_where_it_stopped(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, LONG)
    first_checkpoint(http, job_id)
    assert http.post(f"/jobs/{job_id}/pause").status_code == 202
    paused = follow(http, job_id, "paused")
    assert service.trainers() == []
    assert http.post(f"/jobs/{job_id}/resume").json()["status"] == "queued"
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["progress"]["step"] > paused["progress"]["step"])
    assert http.get(f"/jobs/{job_id}").json()["attempt"] == 2
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def test_a_job_warns_of_what_looks_wrong_and_keeps_its_warnings_over_a_pause(http: httpx.Client) -> None:
    job_id = submit(http, {**LONG, "classes": 0, "lr_g": 1.0, "lr_d": 1.0})
    follow(http, job_id, "running")
    wait_until(lambda: (http.get(f"/jobs/{job_id}").json()["progress"] or {}).get("warnings"), timeout_s=60)
    http.post(f"/jobs/{job_id}/pause")
    paused = follow(http, job_id, "paused")["progress"]
    assert all(warning["step"] and warning["detail"] and warning["hint"] for warning in paused["warnings"])
    http.post(f"/jobs/{job_id}/resume")
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["progress"]["step"] > paused["step"])
    kinds = {warning["kind"] for warning in http.get(f"/jobs/{job_id}").json()["progress"]["warnings"]}
    assert kinds >= {warning["kind"] for warning in paused["warnings"]}
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def test_a_job_whose_trainer_is_killed_is_tried_again(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, LONG)
    wait_until(lambda: (http.get(f"/jobs/{job_id}").json()["progress"] or {}).get("epoch", 0) > 1)
    before = http.get(f"/jobs/{job_id}").json()["progress"]["step"]
    os.kill(service.trainers()[0], signal.SIGKILL)
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["attempt"] == 2)
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["progress"]["step"] > before)
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def test_a_job_that_kills_every_trainer_fails_and_the_worker_goes_on(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, LONG)
    for attempt in (1, 2, 3):
        wait_until(lambda: service.trainers() and http.get(f"/jobs/{job_id}").json()["attempt"] == attempt)  # noqa: B023
        os.kill(service.trainers()[0], signal.SIGKILL)
        wait_until(lambda: not service.trainers())
    job = follow(http, job_id, "failed")
    assert job["error"]["type"] == "trainer-crashed"
    assert "SIGKILL; 3 times" in job["error"]["detail"]
    assert job["error"]["retryable"]
    follow(http, submit(http, {"preset": "smoke", "publish": "never"}), "succeeded")


def test_jobs_wait_in_turn_and_are_listed_by_page(http: httpx.Client) -> None:
    running, waiting = submit(http, LONG), submit(http, LONG)
    follow(http, running, "running")
    assert http.get(f"/jobs/{waiting}").json()["status"] == "queued"
    page = http.get("/jobs?limit=1").json()
    assert [job["id"] for job in page["data"]] == [waiting]
    assert page["has_more"]
    assert [job["id"] for job in http.get(page["next"]).json()["data"]] == [running]
    assert [job["id"] for job in http.get("/jobs?status=queued").json()["data"]] == [waiting]
    assert http.post(f"/jobs/{waiting}/cancel").json()["status"] == "cancelled"
    http.post(f"/jobs/{running}/cancel")
    follow(http, running, "cancelled")
