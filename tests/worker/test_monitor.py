"""Events of a run become the progress of its job, on a real Redis."""

import json
from typing import Any

from redis import Redis

from core.recipe import PRESETS
from core.scores import ScoreSheet
from jobs.keys import events_key
from jobs.record import Claim, JobProgress, TrainSpec
from jobs.redis_client import connect
from jobs.store import JobStore
from tests.tiny import score_sheet
from worker.monitor import RunMonitor
from worker.progress import RunProgress
from worker.training.events import EpochDone, Event, Progress, Started, Warned

STARTED = Started(device="cpu", epochs=4, total_steps=40, step=0, parameters_g=10, parameters_d=5)
MEANS = {"kimg": 0.5, "images_per_s": 100.0, "loss_d": 1.3, "loss_g": 0.7, "d_real": 0.6, "d_fake": 0.4}
STUCK = Warned(kind="stuck", step=10, detail="images changed by 0.1", hint="raise lr_g")


def epoch(number: int, scores: ScoreSheet | None = None) -> EpochDone:
    return EpochDone(step=10 * number, epoch=number, **MEANS, sample="s", checkpoint="c", scores=scores)


def claimed(store: JobStore) -> Claim:
    spec = TrainSpec(preset="smoke", recipe=PRESETS["smoke"], publish="auto")
    claim = store.claim(store.create(spec).job.id)
    assert claim is not None
    return claim


def told(store: JobStore, claim: Claim, *events: Event) -> JobProgress:
    """The progress in the record after a run that starts and tells these events."""
    monitor = RunMonitor(store, claim, 0, RunProgress.before(claim.job))
    for event in (STARTED, *events):
        monitor.handle(event)
    monitor.beat()
    progress = store.get(claim.job.id).progress
    assert isinstance(progress, JobProgress)
    return progress


def test_the_newest_scores_and_the_best_epoch_are_told(store: JobStore) -> None:
    sheets = {number: score_sheet(frechet=distance) for number, distance in ((1, 9.0), (2, 3.0), (4, 5.0))}
    progress = told(store, claimed(store), *(epoch(number, sheets.get(number)) for number in range(1, 5)))
    assert progress.epoch == 4
    assert progress.scores == sheets[4]
    assert progress.best is not None
    assert (progress.best.epoch, progress.best.frechet) == (2, 3.0)


def test_a_run_without_scores_tells_none(store: JobStore) -> None:
    progress = told(store, claimed(store), epoch(1))
    assert (progress.scores, progress.best, progress.warnings) == (None, None, [])


def test_of_each_kind_the_newest_warning_is_told(store: JobStore) -> None:
    later = STUCK.model_copy(update={"step": 20})
    other = Warned(kind="collapse", step=10, detail="all alike", hint="lower lr_g")
    progress = told(store, claimed(store), epoch(1), STUCK, other, epoch(2), later)
    assert [(warning.kind, warning.step) for warning in progress.warnings] == [("stuck", 20), ("collapse", 10)]


def test_what_an_earlier_attempt_told_holds_on(store: JobStore) -> None:
    first = claimed(store)
    before = told(store, first, epoch(1, score_sheet(frechet=3.0)), STUCK)
    store.release(first)
    again = store.claim(first.job.id)
    assert again is not None
    after = told(store, again, Progress(step=11, epoch=2, **MEANS))
    assert after.step == 11
    assert (after.scores, after.best, after.warnings) == (before.scores, before.best, before.warnings)
    worse = told(store, again, epoch(2, score_sheet(frechet=4.0)))
    assert worse.best == before.best


def events_of(redis: Redis, claim: Claim) -> list[tuple[str, dict[str, Any]]]:
    rows: Any = redis.xrange(events_key(claim.job.id))
    return [(fields["type"], json.loads(fields["data"])) for _, fields in rows]


def test_a_warning_that_comes_every_epoch_is_told_once_a_run_and_again_with_other_advice(
    store: JobStore, redis: Redis
) -> None:
    claim = claimed(store)
    other_numbers = STUCK.model_copy(update={"step": 20, "detail": "images changed by 0.2"})
    other_advice = STUCK.model_copy(update={"step": 30, "hint": "give it more epochs"})
    told(store, claim, epoch(1), STUCK, epoch(2), other_numbers, epoch(3), other_advice)
    store.release(claim)
    again = store.claim(claim.job.id)
    assert again is not None
    progress = told(store, again, epoch(4), other_advice)
    warnings = [data for type_, data in events_of(redis, claim) if type_ == "warning"]
    assert [(one["step"], one["hint"]) for one in warnings] == [(10, "raise lr_g"), (30, "give it more epochs")]
    assert [warning.step for warning in progress.warnings] == [30]


def test_events_wait_for_redis_and_are_told_once_with_the_newest_progress_only(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    monitor = RunMonitor(JobStore(connect("redis://127.0.0.1:1"), 30), claim, 3600, RunProgress.before(claim.job))
    monitor.handle(STARTED)
    for number in (1, 2):
        monitor.handle(epoch(number))
    monitor._store = store
    monitor.beat()
    monitor.beat()
    told_types = [type_ for type_, _ in events_of(redis, claim)][2:]
    assert told_types == ["started", "epoch", "epoch", "progress"]
