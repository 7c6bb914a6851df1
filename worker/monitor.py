"""What is known of a run while it goes on: folds its events into the job's progress, tells news, beats the lease."""

import json
import logging
import time
from typing import Any

from redis import RedisError

from jobs.record import BestEpoch, Claim, HealthWarning, JobProgress, News
from jobs.store import JobStore
from worker.training.events import EpochDone, Event, Progress, Started, Warned

# What the news of a progress leave out: it has news of its own, or changes seldom and is in the record.
SAID_ELSEWHERE = {"scores", "best", "warnings"}
KEPT_NEWS = 1000  # while Redis is away

logger = logging.getLogger(__name__)


class Watch:
    """What is known of a run while it goes on."""

    def __init__(self, store: JobStore, claim: Claim, heartbeat_s: float) -> None:
        self._store, self._claim, self._heartbeat_s = store, claim, heartbeat_s
        self._started: Started | None = None
        self._progress: JobProgress | None = None
        earlier = claim.job.progress  # scores and warnings of an earlier attempt hold on
        self._scores = earlier.scores if earlier else None
        self._best = earlier.best if earlier else None
        self._warnings = {warning.kind: warning for warning in earlier.warnings} if earlier else {}
        self._checkpointed = False
        self._news: list[News] = []  # not told yet, as far as is known
        self._numbered = 0
        self._beat_at = 0.0
        self._heard_at = time.monotonic()
        self.last: Event | None = None  # the latest event
        self.order = "ok"  # the latest answer to a beat

    def see(self, event: Event | None) -> None:
        """Take in an event, or None for a tick, and beat when it is time."""
        if event is not None:
            self.last, self._heard_at = event, time.monotonic()
        match event:
            case Started():
                self._started = event
                self._tell("started", event.model_dump(mode="json", exclude={"event"}))
            case EpochDone():
                self._checkpointed = True
                self._take_scores(event)
                self._tell("epoch", event.model_dump(mode="json", exclude={"event", "sample", "checkpoint"}))
                self._take_progress(self._to_progress(event))
            case Progress():
                self._take_progress(self._to_progress(event))
            case Warned():
                self._take_warning(event)
        if time.monotonic() >= self._beat_at:
            self.beat()

    @property
    def device(self) -> str | None:
        """What the trainer said that it trains on."""
        return self._started.device if self._started else None

    @property
    def step(self) -> int:
        """The newest step that is known."""
        return self._progress.step if self._progress else 0

    @property
    def silent_s(self) -> float:
        """How long ago the trainer said something last."""
        return time.monotonic() - self._heard_at

    def beat(self) -> None:
        """Renew the lease, save the progress and hear what is asked for. Redis being away is only logged."""
        try:
            self.order = self._store.beat(
                self._claim,
                device=self.device,
                progress=self._progress,
                checkpointed=self._checkpointed,
                news=self._news,
            )
        except RedisError as error:
            logger.warning("job %s: beat missed, the trainer goes on: %s", self._claim.job.id, error)
        else:
            self._checkpointed, self._news = False, []
        self._beat_at = time.monotonic() + self._heartbeat_s  # from the answer on, however late it came

    def _take_scores(self, event: EpochDone) -> None:
        if event.scores is None:
            return
        self._scores = event.scores
        distance = event.scores.frechet_digits
        if self._best is None or distance < self._best.frechet_digits:
            self._best = BestEpoch(epoch=event.epoch, frechet_digits=distance)

    def _take_warning(self, event: Warned) -> None:
        warning = HealthWarning(**event.model_dump(exclude={"event"}))
        self._warnings[event.kind] = warning
        self._tell("warning", warning.model_dump(mode="json"))
        if self._progress is not None:
            self._progress = self._progress.model_copy(update={"warnings": list(self._warnings.values())})

    def _take_progress(self, progress: JobProgress) -> None:
        """Only the newest progress is worth telling."""
        self._progress = progress
        self._news = [piece for piece in self._news if piece.type != "progress"]
        self._tell("progress", progress.model_dump(mode="json", exclude=SAID_ELSEWHERE))

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self._numbered += 1
        self._news = [*self._news, News(self._numbered, kind, json.dumps(data))][-KEPT_NEWS:]

    def _to_progress(self, event: Progress | EpochDone) -> JobProgress:
        assert self._started is not None
        total = self._started.total_steps
        images_left = (total - event.step) * self._claim.job.spec.recipe.images_per_step
        return JobProgress(
            epoch=event.epoch,
            epochs=self._started.epochs,
            step=event.step,
            total_steps=total,
            kimg=event.kimg,
            images_per_s=event.images_per_s,
            eta_s=images_left / event.images_per_s if event.images_per_s > 0 else None,
            losses=event.means(),
            scores=self._scores,
            best=self._best,
            warnings=list(self._warnings.values()),
        )
