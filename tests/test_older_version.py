"""What the version before schema numbers kept is read by this one, and gone on with.

`tests/older` is what its service left in Redis and on disk, made smaller: trainings of each status, an import, two
models of which one is active, a data set, an upload, and the state of a run; `answers` are its own about the jobs.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.run_dir import JobDir
from core.settings import Settings
from jobs.record import Job
from jobs.refill import complete, refill
from jobs.snapshot import Entry, open_for_snapshots
from tests.hand_worker import Attempt, submit
from tests.in_process import Api, served
from tests.worker.training.running import run
from worker.run_dirs import open_attempt
from worker.training.events import Started

OLDER = Path(__file__).with_name("older")
ANSWERS = {path.stem: json.loads(path.read_text()) for path in sorted((OLDER / "answers").iterdir())}
PRETRAINED = "78af4b5393ed1292"


@pytest.fixture
def api(tmp_path: Path, redis_server: RedisServer, redis: Redis) -> Iterator[Api]:
    shutil.copytree(OLDER / "data", tmp_path / "data")
    entries = [Entry(*json.loads(line)) for line in (OLDER / "redis.jsonl").read_text().splitlines()]
    raw = open_for_snapshots(redis_server.url)
    given_back = refill(raw, entries, json.loads((OLDER / "snapshot.json").read_text())["taken_ms"])
    complete(raw)
    raw.close()
    assert given_back == [ANSWERS["running"]["id"]]
    with served(Settings(data_dir=tmp_path / "data", redis_url=redis_server.url)) as api:
        yield api


def holds(before: Any, now: Any) -> bool:
    """Whether an answer says what an older one said, and perhaps more."""
    if isinstance(before, dict):
        return isinstance(now, dict) and all(name in now and holds(value, now[name]) for name, value in before.items())
    return bool(before == now)


def test_its_jobs_answer_as_they_did(api: Api) -> None:
    for name, before in ANSWERS.items():
        now = api.http.get(f"/jobs/{before['id']}").raise_for_status().json()
        if name == "running":
            assert (now["status"], now["attempt"]) == ("queued", 1)
            before = {**before, "status": "queued"}
        assert holds(before, now), name
        assert api.http.get(f"/jobs/{before['id']}/events?format=json").json()["data"][0]["type"] == "queued"
    assert [job["id"] for job in api.http.get("/jobs").json()["data"]] == [
        one["id"] for one in sorted(ANSWERS.values(), key=lambda one: one["created_at"], reverse=True)
    ]


def test_its_models_draw_and_the_active_ones_are_the_same(api: Api) -> None:
    first, second = ANSWERS["first"]["model"], ANSWERS["second"]["model"]
    page = api.http.get("/models").json()
    assert [model["id"] for model in page["data"]] == [second, first, PRETRAINED]
    assert (page["active"], page["previous"], page["datasets"]["mnist"]) == (second, first, second)
    assert page["data"][0]["card"]["scores"]["compared_by"] == "frechet"
    for model in page["data"]:
        assert api.http.get(f"{model['generate']}&n=2&seed=3").status_code == 200
    assert api.http.put("/models/active", json={"model": "previous"}).json()["id"] == first


def test_its_data_set_and_upload_are_there(api: Api) -> None:
    card = api.http.get("/datasets/own").json()
    assert card["id"] == ANSWERS["imported"]["dataset"]
    assert api.http.get("/datasets/own/images/3.png").status_code == 200
    assert submit(api.http, {"preset": "proposed", "dataset": "own"})
    assert api.http.get(ANSWERS["imported"]["links"]["report"]).json()["source"]["format"] == "zip"
    (upload,) = (OLDER / "data" / "uploads").iterdir()
    assert api.http.head(f"/uploads/{upload.name}", headers={"Tus-Resumable": "1.0.0"}).headers["upload-length"] == "4"


def test_its_jobs_are_carried_on(api: Api) -> None:
    ids = [ANSWERS[name]["id"] for name in ("running", "queued", "paused")]
    api.http.post(f"/jobs/{ids[2]}/resume").raise_for_status()
    for job_id in ids:
        attempt = Attempt(api.services, job_id)
        attempt.epoch(1)
        assert attempt.succeed().status == "succeeded"
    api.http.delete(f"/jobs/{ANSWERS['cancelled']['id']}").raise_for_status()


def test_its_run_goes_on_from_its_newest_state(api: Api) -> None:
    settings, job_id = api.services.settings, ANSWERS["paused"]["id"]
    job: Job = api.services.store.get(job_id)
    run_dir = open_attempt(JobDir(settings.runs_dir, job_id), job.attempt + 1)
    events = run(job.training.recipe, settings.datasets_dir, run_dir.folder, stop_after=3)
    (started,) = (event for event in events if isinstance(event, Started))
    assert (started.step, started.total_steps) == (4, 6000)
    assert [folder.name for folder in run_dir.state_folders()] == ["step-00000007", "step-00000006"]
