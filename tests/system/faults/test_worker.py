"""A worker that is frozen, killed or drained, and another one that goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from redis import Redis

from tests.freezing import freeze
from tests.service import Service, children, follow, lanes_of, pool_of, wait_until
from tests.system.jobs import LONG, SMOKE, WITH_PENALTY, cancel, read, reasons, submit, told


@contextmanager
def second_worker(service: Service, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another worker on the same Redis and data."""
    with (service.folder / "logs" / "second.log").open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "worker"], env=service.environment(**settings), stdout=log, stderr=log
        )
    try:
        yield worker
        worker.terminate()
        assert worker.wait(60) == 0
    finally:
        worker.kill()  # which nothing is left of, unless the test has failed
        worker.wait()


def test_a_worker_that_was_frozen_for_longer_than_its_lease_changes_nothing(
    http: httpx.Client, impatient: Service
) -> None:
    shipped = http.get("/models").json()["active"]
    job_id = submit(http, {**WITH_PENALTY, "epochs": 12, "publish": "always"})
    wait_until(impatient.trainers)
    frozen = [impatient.trainers()[0], impatient.supervisor()]  # the other way round, it would end what is to be woken
    for pid in frozen:
        freeze(pid)
    with second_worker(impatient):
        job = follow(http, job_id, "succeeded")
        assert (job["attempt"], reasons(http, job_id)) == (2, ["created", "worker lost"])
        http.put("/models/active", json={"model": shipped}).raise_for_status()
        before = told(http, job_id)
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: f"job {job_id}: lost to another worker" in impatient.log("worker"))
    assert impatient.trainers() == []
    assert told(http, job_id) == before
    assert http.get("/models").json()["active"] == shipped
    follow(http, submit(http, SMOKE), "succeeded")  # and it works on


def test_a_worker_whose_main_process_is_killed_ends_whole_and_another_goes_on(
    http: httpx.Client, impatient: Service, redis: Redis
) -> None:
    with second_worker(impatient) as doomed:
        blocked, job_id = submit(http, LONG), submit(http, LONG)
        wait_until(lambda: len(impatient.trainers()) == 2)
        (supervisor,), (lane,) = pool_of(doomed.pid), lanes_of(doomed.pid)
        (trainer,) = children(supervisor)
        doomed.kill()
        wait_until(lambda: trainer not in impatient.trainers())
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (supervisor, lane)))
        doomed.returncode = 0  # it was meant to end so
    wait_until(lambda: {read(http, name)["status"] for name in (blocked, job_id)} == {"running", "queued"})
    cancel(http, blocked)
    cancel(http, job_id)


def test_a_drained_worker_costs_its_job_no_strike(http: httpx.Client, impatient: Service, redis: Redis) -> None:
    blocking = submit(http, LONG)
    follow(http, blocking, "running")
    with second_worker(impatient):
        job_id = submit(http, LONG)
        follow(http, job_id, "running")
    assert read(http, job_id)["status"] == "queued"
    assert redis.hget(f"digitforge:job:{job_id}", "strikes") == "0"
    assert reasons(http, job_id) == ["created", "released"]
    cancel(http, job_id)
    cancel(http, blocking)
