"""The fold from a trainer's events to a job's progress, without Redis."""

import json
from datetime import UTC, datetime
from typing import Any

from core.recipe import PRESETS
from core.vocabulary import EventType, WarningKind
from jobs.record import BestEpoch, Job, JobProgress, JobStatus, NumberedEvent, TrainSpec
from tests.tiny import score_sheet
from worker.progress import SAID_ELSEWHERE, RunProgress
from worker.training.events import EpochDone, Event, Finished, Judging, Progress, Started, Stopped, Warned

RECIPE = PRESETS["smoke"]
STARTED = Started(device="cpu", epochs=2, total_steps=40, step=0, parameters_g=10, parameters_d=5)
MEANS = {"kimg": 0.5, "images_per_s": 2.0 * RECIPE.images_per_step, "loss_d": 1.3, "loss_g": 0.7}
PROBABILITIES = {"d_real": 0.6, "d_fake": 0.4}
STUCK = Warned(kind=WarningKind.STUCK, step=10, detail="images changed by 0.1", hint="raise lr_g")


def job(progress: JobProgress | None = None) -> Job:
    spec = TrainSpec(preset="smoke", recipe=RECIPE, publish="auto")
    created = datetime(2026, 1, 1, tzinfo=UTC)
    return Job(
        id="a-job",
        status=JobStatus.RUNNING,
        spec=spec,
        attempt=1,
        request=None,
        created_at=created,
        progress=progress,
        event="1-0",
    )


def after(*events: Event, start: RunProgress | None = None) -> tuple[RunProgress, list[tuple[EventType, Any]]]:
    """What is known after some events, and all that is to be told of them."""
    run, told = start or RunProgress.before(job()), list[NumberedEvent]()
    for event in events:
        run = run.after(event)
        told += run.told
    assert [one.number for one in told] == list(range(run.n_told - len(told) + 1, run.n_told + 1))
    return run, [(one.type, json.loads(one.data)) for one in told]


def progress(step: int, epoch: int = 1) -> Progress:
    return Progress(step=step, epoch=epoch, **MEANS, **PROBABILITIES)


def epoch(number: int, **more: Any) -> EpochDone:
    return EpochDone(step=20 * number, epoch=number, **MEANS, **PROBABILITIES, sample="s", checkpoint="c", **more)


def test_a_progress_is_the_jobs_with_what_is_left_of_the_run() -> None:
    run, told = after(STARTED, progress(10))
    assert run.step == 10
    assert run.progress is not None
    assert (run.progress.epochs, run.progress.total_steps, run.progress.eta_s) == (2, 40, 15.0)
    assert run.progress.losses == {"loss_d": 1.3, "loss_g": 0.7, "d_real": 0.6, "d_fake": 0.4}
    assert told[0] == ("started", STARTED.model_dump(mode="json", exclude={"event"}))
    assert told[1] == ("progress", run.progress.model_dump(mode="json", exclude=SAID_ELSEWHERE))


def test_an_epoch_is_told_before_the_progress_that_it_makes_and_without_paths() -> None:
    sheet = score_sheet(frechet=3.0)
    run, told = after(STARTED, epoch(1, scores=sheet))
    assert [type_ for type_, _ in told] == ["started", "epoch", "progress"]
    assert told[1][1].keys() == {"step", "epoch", *MEANS, *PROBABILITIES, "scores"}
    assert (run.scores, run.best) == (sheet, BestEpoch(epoch=1, frechet=3.0))
    worse, _ = after(epoch(2, scores=score_sheet(frechet=4.0)), start=run)
    assert (worse.best, worse.scores) == (run.best, score_sheet(frechet=4.0))


def test_the_best_epoch_is_that_of_the_score_that_compares_models() -> None:
    few: dict[str, Any] = {"compared_by": "kid"}
    run, _ = after(STARTED, epoch(1, scores=score_sheet(kid=0.3, frechet=1.0, **few)))
    better, _ = after(epoch(2, scores=score_sheet(kid=-0.1, frechet=9.0, **few)), start=run)
    assert better.best == BestEpoch(epoch=2, frechet=9.0, kid=-0.1, compared_by="kid")


def test_the_training_of_a_judge_is_told_once_an_epoch_and_is_no_progress_of_the_run() -> None:
    ready = Judging(epoch=2, epochs=2, judge="0123456789abcdef", accuracy=0.9)
    run, told = after(*(Judging(epoch=epoch, epochs=2, loss=1.0) for epoch in (1, 1, 2, 2)), ready)
    assert [(type_, data["epoch"], data["accuracy"]) for type_, data in told] == [
        ("judging", 1, None),
        ("judging", 2, None),
        ("judging", 2, 0.9),
    ]
    assert run.progress is None
    assert run.step == 0


def test_what_only_ends_a_run_is_told_by_the_transition_and_not_here() -> None:
    run, _ = after(STARTED, progress(10))
    for end in (Finished(step=40, checkpoint="c"), Stopped(step=10)):
        ended, told = after(end, start=run)
        assert told == []
        assert ended.progress == run.progress


def test_a_warning_before_the_first_progress_is_in_it() -> None:
    run, told = after(STARTED, STUCK, progress(1))
    assert [type_ for type_, _ in told] == ["started", "warning", "progress"]
    assert run.progress is not None
    assert [warning.kind for warning in run.progress.warnings] == ["stuck"]


def test_a_fold_leaves_what_was_known_before_as_it_was() -> None:
    run, _ = after(STARTED, progress(10))
    before = run.progress
    run.after(STUCK)
    run.after(progress(11))
    assert run.progress is before
    assert run.warnings == ()
