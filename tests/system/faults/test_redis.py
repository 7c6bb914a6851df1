"""Messages that are lost or doubled, and a Redis that is away for a while."""

from pathlib import Path

import httpx
from redis import Redis

from jobs.queue import QUEUE, celery_app, enqueue
from tests.service import Service, follow, redis_url, wait_until
from tests.system.jobs import LONG, SMOKE, WITH_PENALTY, cancel, kinds, submit


def test_lost_and_doubled_messages_change_nothing(http: httpx.Client, impatient: Service, redis: Redis) -> None:
    blocking, lost, doubled = submit(http, LONG), submit(http, SMOKE), submit(http, SMOKE)
    follow(http, blocking, "running")
    wait_until(lambda: redis.llen(QUEUE) >= 2)  # more, where a slow worker had a message sent again
    redis.delete(QUEUE)
    with celery_app(redis_url(impatient)) as queue:
        for _ in range(3):
            enqueue(queue, doubled)
    cancel(http, blocking)
    for job_id in (lost, doubled):
        assert follow(http, job_id, "succeeded")["attempt"] == 1
        assert kinds(http, job_id).count("running") == 1


def test_a_stream_outlives_redis_being_away(http: httpx.Client, impatient: Service, redis: Redis) -> None:
    job_id = submit(http, {**WITH_PENALTY, "epochs": 12})
    seen: list[str] = []
    with http.stream("GET", f"/jobs/{job_id}/events") as response:
        for line in response.iter_lines():
            if line == "event: started":
                redis.execute_command("CLIENT", "PAUSE", 4000, "ALL")  # type: ignore[no-untyped-call]
            if line.startswith("id: "):
                seen.append(line.removeprefix("id: "))
    everything = http.get(f"/jobs/{job_id}/events?format=json&limit=1000").json()["data"]
    assert seen == [event["id"] for event in everything]
    assert everything[-1]["type"] == "succeeded"


def test_an_open_stream_does_not_hold_up_the_end_of_the_service(tmp_path: Path) -> None:
    with Service(tmp_path) as service, httpx.Client(base_url=service.base, timeout=30) as http:
        job_id = submit(http, LONG)
        with http.stream("GET", f"/jobs/{job_id}/events") as response:
            lines = response.iter_lines()
            next(lines)
            assert service.stop() == 0
            list(lines)  # it ends by itself, and whole
    assert "Traceback" not in service.log("app")
