"""What a trainer's events make of a job: its progress, and what of it is worth telling. Pure, no Redis."""

import json
from dataclasses import dataclass, replace
from typing import Any, Self

from core.scores import ScoreSheet
from core.vocabulary import EventType
from jobs.record import BestEpoch, HealthWarning, Job, JobProgress, NumberedEvent
from worker.training.events import EpochDone, Event, Judging, Progress, Started, Warned

# What the event of a progress leaves out: it has an event of its own, or changes seldom and is in the record.
SAID_ELSEWHERE = {"scores", "best", "warnings"}


@dataclass(frozen=True)
class RunProgress:
    """What is known of a run after some of its events."""

    images_per_step: int
    judging: Judging | None = None
    started: Started | None = None
    progress: JobProgress | None = None
    scores: ScoreSheet | None = None
    best: BestEpoch | None = None
    warnings: tuple[HealthWarning, ...] = ()  # the newest of each kind
    told: tuple[NumberedEvent, ...] = ()  # what the newest event is to be told as
    n_told: int = 0
    checkpointed: bool = False  # whether the newest event was of a new checkpoint

    @classmethod
    def before(cls, job: Job) -> Self:
        """Before the first event of an attempt. Scores and warnings of earlier attempts hold on."""
        images_per_step, earlier = job.training.recipe.images_per_step, job.progress
        if not isinstance(earlier, JobProgress):
            return cls(images_per_step)
        return cls(images_per_step, scores=earlier.scores, best=earlier.best, warnings=tuple(earlier.warnings))

    def after(self, event: Event) -> Self:
        """The same after one more event."""
        before = replace(self, told=(), checkpointed=isinstance(event, EpochDone))
        match event:
            case Judging():
                return before._with_judging(event)
            case Started():
                return replace(before, started=event)._telling(EventType.STARTED, _data(event))
            case EpochDone():
                epoch = _data(event, "sample", "checkpoint")
                return before._with_scores(event)._telling(EventType.EPOCH, epoch)._at(event)
            case Progress():
                return before._at(event)
            case Warned():
                return before._with_warning(event)
        return before

    @property
    def device(self) -> str | None:
        """What the trainer said that it trains on."""
        return self.started.device if self.started else None

    @property
    def step(self) -> int:
        """The newest step that is known."""
        return self.progress.step if self.progress else 0

    def _with_judging(self, event: Judging) -> Self:
        """Each second is a sign of life; each epoch is worth telling, and that the judge is ready."""
        before = self.judging
        is_news = before is None or before.epoch != event.epoch or event.judge is not None
        now = replace(self, judging=event)
        return now._telling(EventType.JUDGING, _data(event)) if is_news else now

    def _with_scores(self, event: EpochDone) -> Self:
        if event.scores is None:
            return self
        best = BestEpoch.of(event.epoch, event.scores)
        is_best = self.best is None or best.compared < self.best.compared
        return replace(self, scores=event.scores, best=best if is_best else self.best)

    def _with_warning(self, event: Warned) -> Self:
        warnings, is_news = with_warning(self.warnings, event)
        progress = self.progress.model_copy(update={"warnings": list(warnings)}) if self.progress else None
        now = replace(self, warnings=warnings, progress=progress)
        return now._telling(EventType.WARNING, _data(event)) if is_news else now

    def _at(self, event: Progress | EpochDone) -> Self:
        assert self.started is not None
        total = self.started.total_steps
        images_left = (total - event.step) * self.images_per_step
        progress = JobProgress(
            epoch=event.epoch,
            epochs=self.started.epochs,
            step=event.step,
            total_steps=total,
            kimg=event.kimg,
            images_per_s=event.images_per_s,
            eta_s=images_left / event.images_per_s if event.images_per_s > 0 else None,
            losses=event.means(),
            scores=self.scores,
            best=self.best,
            warnings=list(self.warnings),
        )
        told = progress.model_dump(mode="json", exclude=SAID_ELSEWHERE)
        return replace(self, progress=progress)._telling(EventType.PROGRESS, told)

    def _telling(self, type_: EventType, data: dict[str, Any]) -> Self:
        event = NumberedEvent(self.n_told + 1, type_, json.dumps(data))
        return replace(self, told=(*self.told, event), n_told=event.number)


def with_warning(known: tuple[HealthWarning, ...], event: Warned) -> tuple[tuple[HealthWarning, ...], bool]:
    """The newest warnings of each kind with one more, and whether that is worth telling.

    A run warns again and again, with other numbers. It is told once, and again when the advice is another.
    """
    warning = HealthWarning(**_data(event))
    by_kind = {one.kind: one for one in known}
    before = by_kind.get(warning.kind)
    is_news = before is None or before.hint != warning.hint
    return tuple((by_kind | {warning.kind: warning}).values()), is_news


def _data(event: Event, *left_out: str) -> dict[str, Any]:
    return event.model_dump(mode="json", exclude={"event", *left_out})
