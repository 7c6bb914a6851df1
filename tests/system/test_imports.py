"""An import while the service is stopped and started again, and while Redis is away."""

from pathlib import Path

import httpx
from redis import Redis

from tests.service import Service, follow, redis_url, wait_until
from tests.system.jobs import importers, reasons, send
from tests.uploaded import archive

LARGE = 6000  # images: an import that takes seconds


def test_ctrl_c_gives_a_running_import_back_and_the_next_start_does_it(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        job_id = send(http, archive(images=LARGE))
        wait_until(lambda: importers(own_service))
        processes = [*importers(own_service), own_service.import_lane()]
        assert own_service.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)
    assert "Traceback" not in own_service.log("worker")
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        job = follow(http, job_id, "succeeded")
        assert (job["attempt"], reasons(http, job_id)) == (2, ["created", "released"])
        assert http.get("/datasets/own").json()["id"] == job["dataset"]


def test_an_import_goes_on_while_redis_is_away(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        job_id = send(http, archive(images=LARGE))
        wait_until(lambda: importers(own_service))
        with Redis.from_url(redis_url(own_service)) as redis:
            redis.execute_command("CLIENT", "PAUSE", 8000, "ALL")
        wait_until(lambda: http.get("/jobs").status_code == 200)
        job = follow(http, job_id, "succeeded")
        assert (job["attempt"], job["error"]) == (1, None)
        later = send(http, archive(seed=3), "later")  # and the lane looks for imports again
        follow(http, later, "succeeded")
