"""An import becomes a data set once, wherever it is killed, and leaves nothing else behind."""

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.dataset_arrays import open_dataset
from tests.freezing import freeze
from tests.service import Service, follow, wait_until
from tests.system.jobs import LONG, cancel, importers, kinds, read, reasons, send, submit, temporaries
from tests.uploaded import IMAGES, archive

MADE = ("before-fsync", "before-rename", "after-rename")
POINTS = [f"{kind}:{moment}" for kind in ("import", "imported") for moment in MADE]
POINTS += ["import:before-commit", "import:after-commit", "import:added", "import:named", "made:half-removed"]
POINTS += ["upload:half-removed", "import:before-success"]
REPORTS = {"options.json", "report.json", "problems.jsonl", "importer.log"}
LARGE = 4000  # images: an import that takes seconds


def check_whole(http: httpx.Client, service: Service, job: dict[str, Any], images: int = IMAGES) -> None:
    """The data set of an import is there under its name, and nothing else is left of it."""
    assert http.get("/datasets/own").json()["id"] == job["dataset"]
    assert len(open_dataset(service.folder / "datasets" / job["dataset"]).images) == images
    attempts = (service.folder / "runs" / job["id"]).iterdir()
    left = {path.name for attempt in attempts for path in attempt.iterdir()} - REPORTS
    assert left == set()
    assert not (service.folder / "uploads" / job["upload"]).exists()
    assert kinds(http, job["id"])[-2:] == ["publishing", "succeeded"]
    assert kinds(http, job["id"]).count("succeeded") == 1


@pytest.mark.parametrize("point", POINTS)
def test_an_import_that_dies_at_any_point_is_done_by_another_and_leaves_nothing(
    http: httpx.Client, impatient: Service, point: str
) -> None:
    http.delete("/datasets/own")
    for folder in (impatient.folder / "datasets").glob("?" * 16):  # or nothing would be put there
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    crash_file = impatient.folder / "crash"
    crash_file.write_text(point)
    job = follow(http, send(http, archive()), "succeeded")
    assert not crash_file.exists()
    check_whole(http, impatient, job)
    assert job["attempt"] <= 2


def test_an_importer_that_is_killed_costs_a_strike_and_three_fail_the_job(
    http: httpx.Client, impatient: Service
) -> None:
    left_by_others = temporaries(impatient)
    job_id = send(http, archive(images=LARGE))
    for attempt in (1, 2, 3):
        wait_until(lambda number=attempt: read(http, job_id)["attempt"] == number and importers(impatient))
        wait_until(lambda: read(http, job_id)["progress"])
        for pid in importers(impatient):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda number=attempt: kinds(http, job_id).count("running") > number or _ended(http, job_id))
    job = read(http, job_id)
    assert (job["status"], job["error"]["type"]) == ("failed", "importer-crashed")
    assert "killed by SIGKILL" in job["error"]["detail"]
    assert reasons(http, job_id) == ["created", "importer lost", "importer lost"]
    left = {path.name for attempt in _attempts(impatient, job_id) for path in attempt.iterdir()} - REPORTS
    assert left == set()
    assert temporaries(impatient) <= left_by_others


def test_imports_go_on_beside_a_training_and_after_their_process_is_killed(
    http: httpx.Client, impatient: Service
) -> None:
    training = submit(http, LONG)
    follow(http, training, "running")
    lane = impatient.import_lane()
    job_id = send(http, archive(images=LARGE))
    wait_until(lambda: importers(impatient))
    (importer,) = importers(impatient)
    os.kill(lane, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{importer}").exists())
    job = follow(http, job_id, "succeeded")
    assert (job["attempt"], reasons(http, job_id)) == (2, ["created", "worker lost"])
    check_whole(http, impatient, job, LARGE)
    assert read(http, training)["status"] == "running"
    cancel(http, training)


def test_an_import_that_was_frozen_for_longer_than_its_lease_changes_nothing(
    http: httpx.Client, impatient: Service
) -> None:
    job_id = send(http, archive(images=LARGE))
    wait_until(lambda: importers(impatient))
    frozen = [*importers(impatient), impatient.import_lane()]
    for pid in frozen:
        freeze(pid)
    wait_until(lambda: reasons(http, job_id) == ["created", "worker lost"])
    http.post(f"/jobs/{job_id}/cancel")
    later = send(http, archive(seed=7))
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    check_whole(http, impatient, follow(http, later, "succeeded"))
    assert read(http, job_id)["status"] == "cancelled"
    wait_until(lambda: _left(impatient, job_id) == set())


def _ended(http: httpx.Client, job_id: str) -> bool:
    return read(http, job_id)["status"] in ("succeeded", "failed", "cancelled")


def _attempts(service: Service, job_id: str) -> list[Path]:
    return sorted((service.folder / "runs" / job_id).iterdir())


def _left(service: Service, job_id: str) -> set[str]:
    return {path.name for attempt in _attempts(service, job_id) for path in attempt.iterdir()} - REPORTS
