"""Import jobs over HTTP: the routes of all jobs show and steer them too."""

import httpx

from app.http.services import Services
from core.run_dir import JobDir
from jobs.queue import waiting_messages
from tests.hand_worker import submit
from tests.jobs.claims import DATASET, ERROR, IMPORT, READING


def test_an_import_is_shown_from_its_beginning_to_its_end(http: httpx.Client, services: Services) -> None:
    job = services.store.create(IMPORT).job
    queued = http.get(f"/jobs/{job.id}").json()
    assert (queued["kind"], queued["status"], queued["dataset"], queued["progress"]) == ("import", "queued", None, None)
    assert (queued["name"], queued["options"]["size"], queued["dry_run"]) == ("icons", 32, False)
    assert (queued["upload"], queued["file"], queued["bytes"], queued["sha256"]) == (
        "a" * 32,
        "icons.zip",
        1000,
        "b" * 64,
    )
    claim = services.store.claim(job.id)
    assert claim is not None
    services.store.beat(claim, progress=READING)
    running = http.get(f"/jobs/{job.id}").json()
    assert running["progress"] == {"phase": "reading", "done": 3, "total": 16, "problems": 1, "warnings": []}
    assert running["links"]["dataset"] is None
    services.store.commit(claim, DATASET)
    assert http.get(f"/jobs/{job.id}").json()["links"]["dataset"] is None
    assert http.post(f"/jobs/{job.id}/cancel").status_code == 409
    services.store.publish(job.id, DATASET)
    succeeded = http.get(f"/jobs/{job.id}").json()
    assert (succeeded["status"], succeeded["dataset"]) == ("succeeded", DATASET)
    assert succeeded["links"]["dataset"] == f"/datasets/{DATASET}"
    told = http.get(f"/jobs/{job.id}/events?format=json").json()["data"]
    assert [event["type"] for event in told] == ["queued", "running", "publishing", "succeeded"]
    assert told[2]["data"] == {"dataset": DATASET}


def test_trainings_and_imports_stand_in_one_list(http: httpx.Client, services: Services) -> None:
    trained, imported = submit(http), services.store.create(IMPORT).job.id
    listed = http.get("/jobs?status=queued&limit=2").json()["data"]
    assert [(job["id"], job["kind"]) for job in listed] == [(imported, "import"), (trained, "train")]


def test_an_import_is_paused_resumed_cancelled_and_deleted(http: httpx.Client, services: Services) -> None:
    job_id, messages = services.store.create(IMPORT).job.id, waiting_messages(services.queue)
    assert http.post(f"/jobs/{job_id}/pause").json()["status"] == "paused"
    assert http.post(f"/jobs/{job_id}/resume").json()["status"] == "queued"
    assert waiting_messages(services.queue) == messages, "a worker looks for imports without a message"
    assert http.post(f"/jobs/{job_id}/cancel").json()["status"] == "cancelled"
    assert http.delete(f"/jobs/{job_id}").status_code == 204
    assert http.get(f"/jobs/{job_id}").status_code == 404


def test_a_failed_import_shows_its_error_and_its_log(http: httpx.Client, services: Services) -> None:
    job_id = services.store.create(IMPORT).job.id
    claim = services.store.claim(job_id)
    assert claim is not None
    run = JobDir(services.settings.runs_dir, job_id).attempt(1)
    run.folder.mkdir(parents=True)
    run.importer_log.write_text("reading\nout of memory\n")
    services.store.fail(claim, ERROR)
    failed = http.get(f"/jobs/{job_id}").json()
    assert (failed["status"], failed["error"]["type"]) == ("failed", "oom")
    assert http.get(f"/jobs/{job_id}/logs?tail=1").text == "out of memory\n"
    for nothing in ("samples", "checkpoints", "curves?format=json"):
        assert http.get(f"/jobs/{job_id}/{nothing}").json() == {"data": []}
