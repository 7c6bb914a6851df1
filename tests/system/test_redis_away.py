"""Redis is away: drawing goes on, and a worker still ends."""

import os
import signal

import httpx
from redis import Redis

from tests.service import Service, redis_url, wait_until
from tests.system.jobs import LONG, first_checkpoint, submit


def test_digits_are_drawn_while_redis_is_away(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        url = redis_url(own_service)
        with Redis.from_url(url) as redis:
            redis.execute_command("CLIENT", "PAUSE", 8000, "ALL")
        assert http.get("/generate?n=4").status_code == 200
        assert http.get("/healthz").status_code == 200
        refused = http.post("/train", json={"preset": "smoke"})
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"]
        assert http.get("/readyz").json()["redis"] is False
        wait_until(lambda: http.get("/jobs").status_code == 200)


def test_a_worker_drains_while_redis_is_away(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        job_id = submit(http, LONG)
        first_checkpoint(http, job_id)
        with Redis.from_url(redis_url(own_service)) as redis:
            redis.execute_command("CLIENT", "PAUSE", 60_000, "ALL")
        wait_until(lambda: own_service.log("worker").count("beat missed") > 4)  # a backlog of events would be there now
        os.kill(own_service.worker(), signal.SIGTERM)
        wait_until(lambda: own_service.process.poll() is not None, timeout_s=30)  # what Compose gives it
    assert "it goes on elsewhere once the lease is over" in own_service.log("worker")
    assert "Traceback" not in own_service.log("worker")
    assert own_service.trainers() == []
