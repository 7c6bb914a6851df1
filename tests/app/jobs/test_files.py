"""What a run leaves on disk: to watch it learn and to take home, whatever the job goes through."""

from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from app.http.services import Services
from core.run_dir import JobDir
from tests.hand_worker import Attempt, run, submit
from tests.in_process import Api

FILES = (
    "samples",
    "samples/1",
    "samples/latest",
    "pairs.png",
    "timelapse",
    "timelapse?format=gif&tile=9&scale=2",
    "checkpoints",
    "checkpoints/1/generator",
    "logs",
    "curves",
)


@pytest.fixture(scope="module")
def ended(api: Api) -> str:
    return run(api.services, submit(api.http)).id


def test_checkpoints_are_listed_and_downloaded_in_parts(http: httpx.Client, ended: str) -> None:
    job = http.get(f"/jobs/{ended}").json()
    checkpoints = http.get(job["links"]["checkpoints"]).json()["data"]
    assert [checkpoint["epoch"] for checkpoint in checkpoints] == [1, 2]
    assert checkpoints[-1]["id"] == job["model"]
    for file in checkpoints[-1]["files"].values():
        whole = http.get(file["href"])
        assert len(whole.content) == file["bytes"]
        assert sha256(whole.content).hexdigest() == file["sha256"]
        part = http.get(file["href"], headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert http.get(f"/jobs/{ended}/checkpoints/9/generator").status_code == 404
    assert http.get(f"/jobs/{ended}/checkpoints/1/optimizer").status_code == 422


def test_the_log_is_text_and_can_be_cut_short(http: httpx.Client, ended: str) -> None:
    log = http.get(f"/jobs/{ended}/logs")
    assert log.headers["content-type"].startswith("text/plain")
    lines = log.text.splitlines()
    assert len(lines) == 4
    assert "epoch 2: loss_d" in log.text
    assert http.get(f"/jobs/{ended}/logs?tail=2").text.splitlines() == lines[-2:]


def test_curves_are_a_picture_or_numbers(http: httpx.Client, ended: str) -> None:
    points = http.get(f"/jobs/{ended}/curves?format=json").json()["data"]
    assert [(point["epoch"], point["scores"]["frechet"]) for point in points] == [(1, 40.0), (2, 20.0)]
    assert len(ElementTree.fromstring(http.get(f"/jobs/{ended}/curves").text).findall("{*}polyline")) == 5
    waiting = submit(http)
    assert http.get(f"/jobs/{waiting}/curves?format=json").json() == {"data": []}
    assert ElementTree.fromstring(http.get(f"/jobs/{waiting}/curves").text).findall("{*}polyline") == []


def test_the_closest_pairs_are_a_picture_once_an_epoch_was_scored(http: httpx.Client, ended: str) -> None:
    pairs = http.get(f"/jobs/{ended}/pairs.png")
    assert (pairs.status_code, pairs.headers["content-type"]) == (200, "image/png")
    assert "immutable" in pairs.headers["cache-control"]
    assert pairs.content == http.get(f"/jobs/{ended}/samples/2").content  # as the worker of these tests has it
    missing = http.get(f"/jobs/{submit(http)}/pairs.png")
    assert (missing.status_code, missing.json()["type"]) == (404, "not-found")
    assert "has no closest pairs: no epoch was scored yet" in missing.json()["detail"]


@pytest.mark.parametrize("epoch", ["x", "-1", "1.5", "last"])
def test_what_is_no_epoch_is_named_as_the_api_names_it(http: httpx.Client, ended: str, epoch: str) -> None:
    refused = http.get(f"/jobs/{ended}/samples/{epoch}")
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["parameter"], error["value"]) == ("epoch", epoch)
    assert error["detail"].endswith("; or Input should be 'latest'")


def test_a_sample_that_is_not_there_is_named_as_it_was_asked_for(http: httpx.Client, ended: str) -> None:
    missing = http.get(f"/jobs/{ended}/samples/9")
    assert (missing.status_code, missing.json()["type"]) == (404, "not-found")
    assert missing.json()["detail"] == f"job {ended} has no sample of epoch 9; there are: [0, 1, 2]"
    waiting = submit(http)
    for epoch, words in (("latest", "has no sample yet"), ("3", "has no sample of epoch 3; there are: []")):
        missing = http.get(f"/jobs/{waiting}/samples/{epoch}")
        assert missing.status_code == 404
        assert missing.json()["detail"] == f"job {waiting} {words}"


def test_a_run_stays_visible_while_its_job_resumes(http: httpx.Client, services: Services, runs_dir: Path) -> None:
    job_id = submit(http)
    first = Attempt(services, job_id)
    first.epoch(1)
    http.post(f"/jobs/{job_id}/pause")
    services.store.release(first.claim)
    assert http.get(f"/jobs/{job_id}").json()["status"] == "paused"

    def visible() -> dict[str, bytes]:
        return {name: http.get(f"/jobs/{job_id}/{name}").raise_for_status().content for name in FILES}

    before = visible()
    assert all(before.values())
    http.post(f"/jobs/{job_id}/resume")
    slow = Attempt(services, job_id, opens=False)  # slow to make its folder
    assert slow.claim.job.attempt == 2
    assert not JobDir(runs_dir, job_id).attempt(2).folder.exists()
    assert visible() == before

    services.store.release(slow.claim)  # or never makes one; another goes on
    third = Attempt(services, job_id)
    assert third.claim.job.attempt == 3
    assert visible() == before  # its folder has what was there, and the log is the newest that says something
    third.epoch(2)
    now = visible()
    assert all(now[name] == before[name] for name in ("samples/1", "checkpoints/1/generator"))
    assert [row["epoch"] for row in http.get(f"/jobs/{job_id}/checkpoints").json()["data"]] == [1, 2]
    assert third.succeed().attempt == 3


def test_what_may_come_again_is_no_picture_for_ever(http: httpx.Client, services: Services) -> None:
    job_id = submit(http)
    attempt = Attempt(services, job_id)
    attempt.epoch(1)
    urls = [f"/jobs/{job_id}/{name}" for name in ("samples/1", "checkpoints/1/generator", "samples/latest")]
    assert [http.get(url).headers["cache-control"] for url in urls] == ["no-cache"] * 3
    attempt.succeed()
    caching = [http.get(url).headers["cache-control"] for url in urls]
    assert ["immutable" in one for one in caching] == [True, True, False]


def test_a_damaged_checkpoint_costs_itself_and_not_the_others(
    http: httpx.Client, services: Services, runs_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = run(services, submit(http), epochs=3).id
    card = JobDir(runs_dir, job_id).attempt(1).checkpoint(2) / "card.json"
    card.write_bytes(card.read_bytes()[:100])
    for name in ("checkpoints", "curves?format=json"):
        rows = http.get(f"/jobs/{job_id}/{name}").raise_for_status().json()["data"]
        assert [row["epoch"] for row in rows] == [1, 3]
    assert str(card) in caplog.text
