"""A running service is backed up, and goes on elsewhere: the same URLs, the same jobs, the same bytes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from models.shelf import Shelf
from tests.freezing import freeze
from tests.service import Service, follow
from tests.system.jobs import SMOKE, cancel, digests, first_checkpoint, read, reasons, send, submit, told, unbroken
from tests.tiny import save_tiny
from tests.uploaded import archive

DIGITFORGE = [sys.executable, "-m", "cli.main"]
BODY: dict[str, Any] = {**SMOKE, "epochs": 3, "seed": 5}


def digitforge(*arguments: str, data: Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"DIGITFORGE_DATA_DIR": str(data)}
    ended = subprocess.run([*DIGITFORGE, *arguments], env=environment, input=stdin, capture_output=True, timeout=120)
    assert ended.returncode == 0, ended.stderr.decode()
    return ended


def answers(http: httpx.Client, jobs: list[str]) -> dict[str, tuple[int, bytes, str | None]]:
    paths = ["/models", "/datasets", "/datasets/own", "/datasets/own/images/3.png", "/generate?n=4&seed=3"]
    paths += [f"{model['generate']}&n=1&seed=5" for model in http.get("/models").json()["data"]]
    for job_id in jobs:
        paths += [f"/jobs/{job_id}", f"/jobs/{job_id}/events?format=json&limit=1000", f"/jobs/{job_id}/logs"]
        paths += [f"/jobs/{job_id}/samples", f"/jobs/{job_id}/samples/1", f"/jobs/{job_id}/checkpoints"]
    same = {"X-Request-ID": "the-same"}  # which answers tell
    found = {path: http.get(path, headers=same) for path in paths}
    return {path: (answer.status_code, answer.content, answer.headers.get("etag")) for path, answer in found.items()}


def test_a_service_goes_on_elsewhere_from_a_backup_that_was_made_while_it_ran(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with Service(first) as service, httpx.Client(base_url=service.base, timeout=30) as http:
        for seed in (1, 2):
            save_tiny(tmp_path / str(seed), seed=seed)
            Shelf(first / "shelf").add(tmp_path / str(seed))
        chosen = http.get("/models").json()["data"][1]["id"]
        assert http.put("/models/active", json={"model": chosen}).status_code == 200
        imported = send(http, archive())
        follow(http, imported, "succeeded")
        paused = submit(http, BODY)
        first_checkpoint(http, paused)
        http.post(f"/jobs/{paused}/pause")
        follow(http, paused, "paused")
        running = submit(http, BODY)
        cancelled = submit(http, BODY)
        cancel(http, cancelled)
        first_checkpoint(http, running)
        (trainer,) = service.trainers()
        freeze(trainer)  # so that it does not end before the backup has begun

        archived = digitforge("backup", "-", data=first).stdout
        assert read(http, running)["status"] == "running"
        before, steps = answers(http, [imported, paused, cancelled]), told(http, running)
        os.kill(trainer, signal.SIGCONT)

    digitforge("restore", "-", "--data-dir", str(second), data=first, stdin=archived)
    with Service(second) as service, httpx.Client(base_url=service.base, timeout=30) as http:
        assert answers(http, [imported, paused, cancelled]) == before
        assert told(http, running)[: len(steps)] == steps
        http.post(f"/jobs/{paused}/resume")
        models = {follow(http, job_id, "succeeded")["model"] for job_id in (running, paused)}
        assert reasons(http, running) == ["created", "released"]
        (model,) = models
        assert digests(service, model) == unbroken(tmp_path, BODY)

    stopped = tmp_path / "stopped.tar"
    said = digitforge("backup", str(stopped), data=second).stderr.decode()
    assert said.startswith("4 jobs as of 2")
    assert stopped.stat().st_mode & 0o777 == 0o600
