import os
import signal

import httpx

from tests.service import Service, follow, wait_until


def test_a_trainer_that_somebody_else_stops_costs_no_strike(http: httpx.Client, service: Service) -> None:
    job = http.post("/train", json={"preset": "smoke", "epochs": 10_000, "publish": "never"}).json()
    wait_until(lambda: len(http.get(f"/jobs/{job['id']}/samples").json()["data"]) > 1)
    os.kill(service.trainers()[0], signal.SIGTERM)
    wait_until(lambda: http.get(f"/jobs/{job['id']}").json()["attempt"] == 2)
    events = http.get(f"/jobs/{job['id']}/events?format=json&limit=1000").json()["data"]
    assert [event["data"]["reason"] for event in events if event["type"] == "queued"] == ["created", "released"]
    http.post(f"/jobs/{job['id']}/cancel")
    follow(http, job["id"], "cancelled")
