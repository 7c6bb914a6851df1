"""The service is stopped, or killed, and started again on the same data."""

import os
import signal

import httpx

from tests.service import Service, follow, wait_until
from tests.system.jobs import LONG, first_checkpoint, submit


def test_ctrl_c_saves_the_running_job_and_the_next_start_goes_on(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        job_id = submit(http, LONG)
        first_checkpoint(http, job_id)
        assert own_service.stop() == 0
    assert own_service.trainers() == []
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        wait_until(lambda: http.get(f"/jobs/{job_id}").json()["attempt"] == 2, timeout_s=40)
        first_checkpoint(http, job_id)
        http.post(f"/jobs/{job_id}/cancel")
        follow(http, job_id, "cancelled")


def test_a_job_that_was_answered_202_is_there_after_redis_was_killed(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        redis = own_service.redis()
        jobs = [submit(http, {**LONG, "seed": seed}) for seed in range(5)]
        os.kill(redis, signal.SIGKILL)
        assert own_service.process.wait(40) == 1  # the service ends with it, with a word
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        assert [job["id"] for job in http.get("/jobs").json()["data"]] == jobs[::-1]
        # The first, or if its worker had it when Redis was killed, the second: its lease has to end before.
        wait_until(lambda: any(job["status"] == "running" for job in http.get("/jobs").json()["data"]), timeout_s=60)
