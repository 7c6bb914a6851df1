"""The whole service tells a webhook of the end of a job."""

import json
from pathlib import Path

import httpx

from tests.service import Service, follow, wait_until
from tests.system.jobs import SMOKE
from tests.webhooks.playing import verifies
from tests.webhooks.receiver import receiver


def test_the_worker_tells_a_webhook_of_the_end_of_a_job(tmp_path: Path) -> None:
    on = {"webhooks": "listed", "webhook_hosts": "127.0.0.0/8"}
    with (
        receiver() as hook,
        Service(tmp_path, **on) as service,
        httpx.Client(base_url=service.base, timeout=30) as http,
    ):
        secret = http.post("/webhooks", json={"url": hook.url}).raise_for_status().json()["secret"]
        job_id = http.post("/train", json=SMOKE).raise_for_status().json()["id"]
        http.post(f"/jobs/{job_id}/cancel").raise_for_status()
        follow(http, job_id, "cancelled")
        wait_until(lambda: hook.received)
        wait_until(lambda: _status(http, job_id) == "delivered")
    (request,) = hook.received
    assert verifies(request, [secret])
    assert (json.loads(request.body)["type"], json.loads(request.body)["data"]["id"]) == ("job.cancelled", job_id)


def _status(http: httpx.Client, job_id: str) -> str:
    (delivery,) = http.get(f"/jobs/{job_id}/deliveries").json()["data"]
    return str(delivery["status"])
