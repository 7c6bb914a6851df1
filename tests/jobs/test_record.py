"""Records that other versions wrote. `records/older.json` is what Redis held after the version before this one ran;
`records/newer.json` is the same with what a later one might add: fields, knobs, scores, a warning and an error."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from redis import Redis

from app.jobs.request import TrainRequest
from app.jobs.views import JobView
from core.recipe import Recipe
from core.settings import Settings
from jobs.keys import job_key
from jobs.record import Job, JobError, JobProgress, JobStatus, Publication
from jobs.store import JobStore
from sharing.places import Places
from tests.jobs.claims import SPEC
from worker.supervisor import Supervisor

RECORDS = Path(__file__).with_name("records")


def written_by(version: str) -> dict[str, dict[str, str]]:
    records: dict[str, dict[str, str]] = json.loads((RECORDS / f"{version}.json").read_text(encoding="utf-8"))
    return records


def read(store: JobStore, redis: Redis, fields: dict[Any, Any]) -> Job:
    redis.hset(job_key(fields["id"]), mapping=fields)
    return store.get(fields["id"])


def test_a_record_of_an_older_version_reads_as_it_was_written(store: JobStore, redis: Redis) -> None:
    jobs = {status: read(store, redis, fields) for status, fields in written_by("older").items()}
    assert [job.status for job in jobs.values()] == [JobStatus(status) for status in jobs]
    succeeded, failed, cancelled, queued = jobs.values()
    spec = succeeded.training
    assert (spec.preset, spec.publish, spec.dataset_id, spec.unknown_knobs) == ("smoke", "auto", None, ())
    assert (spec.recipe.num_images, spec.recipe.lr_g, spec.recipe.d_norm) == (512, 0.0008, "batch")
    assert succeeded.created_at == datetime(2026, 11, 26, 11, 26, 0, 331_000, tzinfo=UTC)
    assert succeeded.started_at == datetime(2026, 11, 26, 11, 26, 0, 339_000, tzinfo=UTC)
    assert (succeeded.model_id, succeeded.publication) == (
        "0123456789abcdef",
        Publication(active=True, reason="better"),
    )
    assert isinstance(succeeded.progress, JobProgress)
    assert succeeded.progress.scores is not None
    assert succeeded.progress.scores.floor.frechet == 2.0
    assert failed.error == JobError(type="oom", detail="too large", retryable=True, log="the end")
    assert cancelled.memory is not None
    assert (queued.request, queued.started_at, queued.finished_at, queued.device, queued.progress) == (None,) * 5


def test_a_record_of_a_newer_version_is_shown_without_what_it_added(store: JobStore, redis: Redis) -> None:
    older = written_by("older")
    for status, fields in written_by("newer").items():
        job, before = read(store, redis, fields), Job.from_hash(older[status])
        assert job.training.unknown_knobs == ("style_mixing", "heads")
        assert job.training.recipe == before.training.recipe
        view = JobView.from_job(job).model_dump(mode="json")
        assert view.keys() == JobView.from_job(before).model_dump().keys()
        if isinstance(job.progress, JobProgress):
            assert [warning.kind for warning in job.progress.warnings] == ["stuck", "too-slow"]
        if job.error:
            assert job.error.type == "out-of-tune"


def test_nobody_trains_a_recipe_with_knobs_that_are_not_known_here(
    tmp_path: Path, store: JobStore, redis: Redis
) -> None:
    job_id = store.create(SPEC).job.id
    redis.hset(job_key(job_id), "spec", written_by("newer")["failed"]["spec"])
    settings = Settings(data_dir=tmp_path)
    Supervisor(store, Places.of(settings), "cpu", lambda: False).run()
    job = store.get(job_id)
    assert job.error is not None
    assert job.error.type == "trainer-refused"
    assert "does not know: style_mixing, heads" in job.error.detail


def test_what_is_not_known_is_refused_where_it_comes_from_outside() -> None:
    for model in (TrainRequest, Recipe):
        with pytest.raises(ValidationError, match="style_mixing"):
            model.model_validate({"style_mixing": 0.9})


def test_what_was_asked_for_is_kept_in_the_same_words() -> None:
    """The digest behind an Idempotency-Key is of these bytes."""
    assert set(json.loads(SPEC.model_dump_json())) == {"preset", "recipe", "publish"}
