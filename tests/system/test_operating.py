"""What an operator sees of a service: its log as JSON, and its workers."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.startup import PYTHON
from jobs.redis_client import connect
from tests.freezing import freeze
from tests.service import Service, follow, redis_url, wait_until
from tests.system.jobs import SMOKE, send
from tests.uploaded import archive

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {"x-request-id": "mine", "traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}


@pytest.fixture(scope="module")
def json_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("operating")
    with Service(folder, log_format="json", access_log="true", api_processes="1") as running:
        yield running


@pytest.fixture
def http(json_service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=json_service.base, timeout=30) as client:
        yield client


def lines(service: Service, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.log(name).splitlines()]


def worker(http: httpx.Client) -> dict[str, Any]:
    """The only worker; empty when there is none."""
    found: list[dict[str, Any]] = http.get("/workers").raise_for_status().json()["data"]
    assert len(found) < 2
    return found[0] if found else {}


def health(service: Service, *options: str, **variables: str) -> tuple[int, str]:
    environment = {**service.environment(), **variables}
    command = [*PYTHON, "-m", "worker.health", *options]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout.strip()


def test_a_request_is_found_in_all_logs_up_to_the_end_of_its_job(json_service: Service, http: httpx.Client) -> None:
    job_id = http.post("/train", json={**SMOKE, "epochs": 1}, headers=HEADERS).json()["id"]
    follow(http, job_id, "succeeded")
    from_request = {"request_id": "mine", "trace_id": TRACE_ID, "span_id": SPAN_ID, "key": "anybody"}

    (asked,) = [line for line in lines(json_service, "app") if line.get("request_id") == "mine"]
    assert asked.items() >= {**from_request, "process": "api", "route": "/train", "status": 202}.items()

    wait_until(lambda: f"job {job_id}: succeeded" in json_service.log("worker"))  # which is told after it is so
    told = [line for line in lines(json_service, "worker") if line.get("job_id") == job_id]
    assert all(line.items() >= {**from_request, "attempt": 1, "process": "worker"}.items() for line in told)
    words = "\n".join(line["message"] for line in told)
    assert [part in words for part in ("attempt 1", "training on cpu", "epoch 1: loss_d", "succeeded")] == [True] * 4

    first, *rest = http.get(f"/jobs/{job_id}/logs").text.splitlines()
    assert first.endswith(
        f"job_id={job_id} attempt=1 key=anybody request_id=mine trace_id={TRACE_ID} span_id={SPAN_ID}"
    )
    assert "epoch 1: loss_d" in "\n".join(rest)


def test_an_import_has_its_request_too(json_service: Service, http: httpx.Client) -> None:
    http.headers["x-request-id"] = "import"
    job_id = send(http, archive(images=60))
    follow(http, job_id, "succeeded")
    told = [line for line in lines(json_service, "worker") if line.get("job_id") == job_id]
    assert {(line["process"], line["request_id"]) for line in told} == {("import-lane", "import")}
    assert f"job_id={job_id} attempt=1 key=anybody request_id=import" in http.get(f"/jobs/{job_id}/logs").text


def test_a_frozen_lane_is_a_fault_until_it_goes_on(json_service: Service, http: httpx.Client) -> None:
    wait_until(lambda: worker(http).get("healthy"))
    assert health(json_service) == (0, "1 at work or draining")
    lane = json_service.supervisor()
    freeze(lane)
    try:
        wait_until(lambda: not worker(http)["healthy"], timeout_s=30)
        status, said = health(json_service)
        assert (status, "no word for 10 s from its lanes: 0" in said) == (1, True)
    finally:
        os.kill(lane, signal.SIGCONT)
    wait_until(lambda: worker(http)["healthy"])
    assert health(json_service)[0] == 0


def test_a_redis_that_is_away_is_a_fault_but_for_those_who_would_end_a_training(json_service: Service) -> None:
    away = {"DIGITFORGE_REDIS_URL": "redis://127.0.0.1:1/0"}
    for options, status in (((), 1), (("--redis-may-be-away",), 0)):
        found, said = health(json_service, *options, **away)
        assert (found, "Redis is away" in said) == (status, True)
    assert health(json_service, "--redis-may-be-away")[0] == health(json_service)[0] == 0


def test_a_worker_is_there_again_after_redis_lost_its_connections(json_service: Service, http: httpx.Client) -> None:
    wait_until(lambda: worker(http).get("healthy"))
    with connect(redis_url(json_service)) as redis:
        for key in redis.keys("digitforge:worker*"):
            redis.delete(key)
        redis.client_kill_filter(_type="normal")
    wait_until(lambda: worker(http).get("healthy"))
    assert worker(http)["pid"] == json_service.worker()


def test_a_worker_that_ends_leaves_the_list(json_service: Service, http: httpx.Client) -> None:
    second = subprocess.Popen([*PYTHON, "-m", "worker"], env=json_service.environment())
    try:
        wait_until(lambda: len(http.get("/workers").json()["data"]) == 2, timeout_s=30)
    finally:
        second.terminate()
        second.wait(30)
    assert worker(http)["pid"] == json_service.worker()
