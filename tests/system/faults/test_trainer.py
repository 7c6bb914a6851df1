"""A trainer that is killed or goes silent: its job goes on, to the same bytes."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx

from core.card import read_card
from tests.service import Service, follow, wait_until
from tests.system.jobs import (
    LEASE_S,
    WATCHDOG_S,
    WITH_PENALTY,
    digests,
    kinds,
    reach,
    reasons,
    submit,
    temporaries,
    unbroken,
)


def test_a_job_that_is_killed_paused_and_stopped_ends_with_the_bytes_of_an_unbroken_one(tmp_path: Path) -> None:
    body = {**WITH_PENALTY, "epochs": 36}
    service = Service(tmp_path / "var", lease_s=LEASE_S, watchdog_s=WATCHDOG_S)
    with service, httpx.Client(base_url=service.base) as http:
        job_id = submit(http, body)
        reach(http, job_id, epoch=3)
        os.kill(service.trainers()[0], signal.SIGKILL)
        reach(http, job_id, epoch=9, attempt=2)
        os.kill(service.supervisor(), signal.SIGKILL)
        reach(http, job_id, epoch=15, attempt=3)
        http.post(f"/jobs/{job_id}/pause")
        follow(http, job_id, "paused")
        http.post(f"/jobs/{job_id}/resume")
        reach(http, job_id, epoch=21, attempt=4)
        assert service.stop() == 0  # which drains the worker
    with service, httpx.Client(base_url=service.base) as http:
        job = follow(http, job_id, "succeeded")
        assert reasons(http, job_id) == ["created", "trainer lost", "worker lost", "resumed", "released"]
        assert kinds(http, job_id)[-1] == "succeeded"
        for path in temporaries(service):
            with suppress(FileNotFoundError):
                os.utime(path, (0, 0))  # nobody waits until it is old
        wait_until(lambda: not temporaries(service))
    assert job["attempt"] == 5
    assert digests(service, job["model"]) == unbroken(tmp_path, body)
    assert read_card(service.folder / "shelf" / job["model"]).bit_exact
