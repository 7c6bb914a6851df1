"""A worker's part, played by a test: the store's own calls, and the files that a run leaves. Nothing is trained."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np

from app.http.services import Services
from core.run_dir import JobDir
from core.vocabulary import EventType
from jobs.record import BestEpoch, Job, JobProgress, NumberedEvent, Publication
from models.checkpoint import save_checkpoint
from models.grid import to_png
from tests.tiny import networks, score_sheet, tiny_recipe, training_record
from worker.run_dirs import open_attempt

SMOKE: dict[str, Any] = {"preset": "smoke", "publish": "never"}
STEPS = 8  # of an epoch


def submit(http: httpx.Client, body: Mapping[str, object] = SMOKE, **headers: str) -> str:
    """The id of a new job."""
    response = http.post("/train", json=body, headers=headers)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


class Attempt:
    """One attempt at a queued job: claimed, and with a run directory unless `opens` is false."""

    def __init__(self, services: Services, job_id: str, opens: bool = True) -> None:
        claim = services.store.claim(job_id)
        assert claim is not None, f"job {job_id} is not queued"
        self.claim, self._services, self._told = claim, services, 0
        if opens:
            self.run = open_attempt(JobDir(services.settings.runs_dir, job_id), claim.job.attempt)
            self._tell("started", device="cpu", step=0)
            self._write_sample(0)

    def epoch(self, epoch: int) -> None:
        """Do an epoch: its checkpoint, sample and log line are there, and the job tells of it."""
        scores, losses = score_sheet(frechet=40.0 / epoch), {"loss_d": 1.0 / epoch, "loss_g": 0.5 * epoch}
        recipe = tiny_recipe(seed=epoch, classes=10)
        card = training_record(recipe).model_copy(update={"epoch": epoch, "scores": scores, "losses": losses})
        save_checkpoint(self.run.checkpoint(epoch), *networks(recipe, epoch), card)
        self._write_sample(epoch)
        self.run.closest_pairs.write_bytes(self.run.sample(epoch).read_bytes())
        with self.run.trainer_log.open("a") as log:
            log.write(f"epoch {epoch}: loss_d {losses['loss_d']}\nepoch {epoch}: saved\n")
        progress = JobProgress(
            epoch=epoch,
            epochs=2,
            step=epoch * STEPS,
            total_steps=2 * STEPS,
            kimg=0.1 * epoch,
            images_per_s=100.0,
            eta_s=1.0,
            losses=losses,
            scores=scores,
            best=BestEpoch(epoch=epoch, frechet=scores.frechet),
        )
        self._tell("epoch", progress, epoch=epoch, losses=losses, scores=scores.model_dump(mode="json"))
        self._tell("progress", progress, step=progress.step)
        self._last = self.run.checkpoint(epoch)

    def succeed(self) -> Job:
        """Publish the model of the last epoch: it is on the shelf, and not the active one."""
        model, job_id = self._services.shelf.add(self._last).model_id, self.claim.job.id
        assert self._services.store.commit(self.claim, model) == "ok"
        self._services.store.publish(job_id, model, Publication(active=False, reason="the job said publish = never"))
        return self._services.store.get(job_id)

    def _tell(self, kind: str, progress: JobProgress | None = None, **data: object) -> None:
        self._told += 1
        events = [NumberedEvent(self._told, EventType(kind), json.dumps(data))]
        self._services.store.beat(self.claim, device="cpu", progress=progress, events=events)

    def _write_sample(self, epoch: int) -> None:
        path = self.run.sample(epoch)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(to_png(np.full((238, 238, 1), epoch, dtype=np.uint8), {}))


def run(services: Services, job_id: str, epochs: int = 2) -> Job:
    """Carry a queued job out."""
    attempt = Attempt(services, job_id)
    for epoch in range(1, epochs + 1):
        attempt.epoch(epoch)
    return attempt.succeed()
