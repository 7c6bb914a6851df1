"""A full disk: trainer and supervisor wait for space."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.service import Service, follow, wait_until
from tests.system.jobs import SMOKE, WITH_PENALTY, digests, reach, read, submit, temporaries, told, unbroken


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """Let the kernel refuse whatever a process writes into files."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def warned_of_full_disk(http: httpx.Client, job_id: str) -> bool:
    return any(event["data"]["kind"] == "disk-full" for event in told(http, job_id) if event["type"] == "warning")


def test_a_trainer_waits_for_space_on_a_full_disk(http: httpx.Client, impatient: Service, tmp_path: Path) -> None:
    body = {**WITH_PENALTY, "epochs": 20}
    left_by_others = temporaries(impatient)
    job_id = submit(http, body)
    reach(http, job_id, epoch=2)
    (trainer,) = impatient.trainers()
    with full_disk(trainer):
        wait_until(lambda: warned_of_full_disk(http, job_id))
        assert [warning["kind"] for warning in read(http, job_id)["progress"]["warnings"]] == ["disk-full"]
        assert temporaries(impatient) <= left_by_others
        time.sleep(1.5)
        assert read(http, job_id)["status"] == "running"
    job = follow(http, job_id, "succeeded")
    assert job["attempt"] == 1
    assert digests(impatient, job["model"]) == unbroken(tmp_path, body)


def test_a_supervisor_waits_for_space_on_a_full_disk(http: httpx.Client, impatient: Service) -> None:
    left_by_others = temporaries(impatient)
    with full_disk(impatient.supervisor()):
        job_id = submit(http, {**SMOKE, "seed": 21})
        wait_until(lambda: warned_of_full_disk(http, job_id))
        assert impatient.trainers() == []
        assert temporaries(impatient) <= left_by_others
    follow(http, job_id, "succeeded")
