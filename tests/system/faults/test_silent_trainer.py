"""A trainer that goes silent."""

import httpx

from tests.freezing import freeze
from tests.service import Service, wait_until
from tests.system.jobs import LONG, WATCHDOG_S, cancel, reach, read, reasons, submit


def test_a_trainer_that_goes_silent_is_ended_and_its_job_goes_on(http: httpx.Client, impatient: Service) -> None:
    job_id = submit(http, LONG)
    reach(http, job_id, epoch=2)
    (trainer,) = impatient.trainers()
    freeze(trainer)
    wait_until(lambda: read(http, job_id)["attempt"] == 2, timeout_s=60)
    reach(http, job_id, epoch=3, attempt=2)
    assert f"job {job_id}: the trainer said nothing for {WATCHDOG_S} s" in impatient.log("worker")
    assert trainer not in impatient.trainers()
    assert reasons(http, job_id) == ["created", "trainer lost"]
    cancel(http, job_id)
