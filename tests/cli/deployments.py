"""A small deployment without processes: jobs, models, a data set and uploads in a folder and in the tests' Redis."""

import io
from pathlib import Path

import httpx

from cli.backup import write_backup
from cli.redis_server import RedisServer
from cli.restore import Restored, restore
from core.dataset_shelf import DatasetShelf
from core.settings import Settings
from tests.hand_worker import Attempt, run, submit
from tests.imported import colourful, write_imported
from tests.in_process import Api
from tests.uploaded import archive, upload


def fill(api: Api, scratch: Path) -> dict[str, str]:
    """Make some of everything; the ids of the jobs by their state."""
    http, services = api.http, api.services
    jobs = {"succeeded": submit(http, {"preset": "smoke", "seed": 1}, **{"Idempotency-Key": "first"})}
    first = run(services, jobs["succeeded"]).model_id
    jobs["again"] = submit(http, {"preset": "smoke", "seed": 2})
    run(services, jobs["again"], epochs=3)
    assert http.put("/models/active", json={"model": first}).status_code == 200
    jobs["running"] = submit(http)
    Attempt(services, jobs["running"]).epoch(1)
    jobs["cancelled"] = submit(http)
    http.post(f"/jobs/{jobs['cancelled']}/cancel")
    jobs["paused"] = submit(http)
    http.post(f"/jobs/{jobs['paused']}/pause")
    jobs["queued"] = submit(http)

    shelf = DatasetShelf(services.settings.imported_dir)
    card = write_imported(scratch / "made", colourful(60))
    with shelf.changing():
        shelf.add(scratch / "made", card.dataset_id)
        shelf.point("own", card.dataset_id)
    upload(services.settings, archive(seed=7), "kept.zip")
    jobs["import"] = http.post("/datasets?name=other", content=archive(seed=8)).raise_for_status().json()["id"]
    return jobs


def backed_up(settings: Settings) -> bytes:
    """The archive of a deployment."""
    out = io.BytesIO()
    write_backup(out, settings.data_dir, settings.redis_url)
    return out.getvalue()


def restored(archived: bytes, folder: Path, server: RedisServer | None = None) -> Restored:
    """What a restore of an archive says."""
    return restore(io.BytesIO(archived), folder, server.url if server else None)


def answers(http: httpx.Client, jobs: dict[str, str]) -> dict[str, tuple[int, bytes, dict[str, str]]]:
    """What a service says of all that there is: status, body, and the headers that are about it."""
    paths = ["/jobs?limit=100", "/models", "/datasets", "/datasets/own", "/datasets/own/images/3.png"]
    paths += ["/generate?n=4&seed=3", "/generate?n=1&seed=3&format=gif", "/datasets/own/download"]
    paths += [f"{model['generate']}&n=1&seed=5" for model in http.get("/models").json()["data"]]
    for job_id in jobs.values():
        paths += [f"/jobs/{job_id}", f"/jobs/{job_id}/events?format=json&limit=1000", f"/jobs/{job_id}/samples"]
        paths += [f"/jobs/{job_id}/logs", f"/jobs/{job_id}/checkpoints", f"/jobs/{job_id}/samples/1"]
    same = {"X-Request-ID": "the-same"}  # which answers tell
    found = {path: http.get(path, headers=same) for path in paths}
    return {path: (answer.status_code, answer.content, _told(answer.headers)) for path, answer in found.items()}


def _told(headers: httpx.Headers) -> dict[str, str]:
    kept = ("etag", "last-modified", "content-type", "content-location")
    return {name: headers[name] for name in kept if name in headers}
