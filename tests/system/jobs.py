"""Jobs of a running service: submitted, followed and compared with a run that nobody disturbs."""

import json
import subprocess
import sys
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import httpx

from core.card import read_card
from core.files import TEMPORARY_PREFIX
from core.recipe import with_preset
from tests.service import Service, children, follow, lanes_of, wait_until

LEASE_S, WATCHDOG_S = "3", "25"  # of a service that gives up a silent worker or trainer soon
SMOKE = {"preset": "smoke", "publish": "never"}
LONG = {**SMOKE, "epochs": 10_000}
WITH_PENALTY = {**SMOKE, "d_norm": "none", "r1_gamma": 0.2, "seed": 5}


def submit(http: httpx.Client, body: Mapping[str, object]) -> str:
    response = http.post("/train", json=body)
    assert response.status_code == 202, response.text
    job = response.json()
    assert response.headers["location"] == f"/jobs/{job['id']}"
    return str(job["id"])


def send(http: httpx.Client, data: bytes, name: str = "own") -> str:
    """The id of the job that imports a file."""
    answer = http.post(f"/datasets?name={name}", content=data)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def importers(service: Service) -> list[int]:
    """Process ids of the importers at work."""
    return [pid for lane in lanes_of(service.worker()) for pid in children(lane)]


def read(http: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = http.get(f"/jobs/{job_id}").raise_for_status().json()
    return job


def reach(http: httpx.Client, job_id: str, epoch: int, attempt: int = 1) -> None:
    """Wait until an attempt of a job has begun an epoch."""

    def reached() -> bool:
        job = read(http, job_id)
        return bool(job["attempt"] >= attempt and job["progress"] and job["progress"]["epoch"] >= epoch)

    wait_until(reached, timeout_s=60)


def first_checkpoint(http: httpx.Client, job_id: str) -> None:
    wait_until(lambda: len(http.get(f"/jobs/{job_id}/samples").json()["data"]) > 1)


def told(http: httpx.Client, job_id: str) -> list[dict[str, Any]]:
    """What was told of a job, without its progress."""
    events = http.get(f"/jobs/{job_id}/events?format=json&limit=1000").raise_for_status().json()["data"]
    return [event for event in events if event["type"] != "progress"]


def kinds(http: httpx.Client, job_id: str) -> list[str]:
    return [event["type"] for event in told(http, job_id)]


def reasons(http: httpx.Client, job_id: str) -> list[str]:
    """Why a job was put into the queue, each time."""
    return [event["data"]["reason"] for event in told(http, job_id) if event["type"] == "queued"]


def cancel(http: httpx.Client, job_id: str) -> None:
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def temporaries(service: Service) -> set[Path]:
    """What is half written. Of one that is killed it stays, until nobody can be writing it any more."""
    runs, shelf = service.folder / "runs", service.folder / "shelf"
    of_imports = (
        path.rglob(f"{TEMPORARY_PREFIX}*") for path in (service.folder / "datasets", service.folder / "uploads")
    )
    return {*runs.rglob(f"{TEMPORARY_PREFIX}*"), *shelf.glob(f"{TEMPORARY_PREFIX}*"), *chain.from_iterable(of_imports)}


def digests(service: Service, model: str) -> dict[str, str]:
    return read_card(service.folder / "shelf" / model).sha256


def unbroken(folder: Path, body: dict[str, Any]) -> dict[str, str]:
    """The digests of the networks that a run gives which nobody disturbs."""
    recipe = folder / "recipe.json"
    knobs = {name: value for name, value in body.items() if name not in ("preset", "publish")}
    recipe.write_text(json.dumps(with_preset("smoke", knobs)))
    command = [sys.executable, "-m", "worker.training", "--recipe", str(recipe)]
    command += ["--device", "cpu", "--threads", "1"]
    run_dir = folder / "run"
    told = subprocess.run([*command, "--run-dir", str(run_dir)], check=True, capture_output=True, text=True).stdout
    checkpoint: str = json.loads(told.splitlines()[-1])["checkpoint"]
    return read_card(run_dir / checkpoint).sha256
