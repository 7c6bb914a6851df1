"""Counters and lists of jobs, read at one moment."""

import pytest
from redis import Redis

from core.errors import QueueFull
from jobs.figures import COUNTERS, JobFigures
from jobs.keys import COUNTERS as COUNTERS_KEY
from jobs.keys import job_key
from jobs.record import JobError, JobStatus
from jobs.store import JobStore
from tests.jobs.claims import ERROR, IMPORT, MODEL, PUBLICATION, SPEC, claimed, claimed_again, committed, expire
from tests.jobs.counted import disagreements


def test_a_store_without_jobs_has_counted_nothing(redis: Redis) -> None:
    figures = JobFigures.read(redis)
    assert figures.counters == {}
    assert set(figures.jobs.values()) == {0}
    assert figures.queued == {"train": 0, "import": 0}
    assert figures.oldest_queued_s == {"train": 0.0, "import": 0.0}


def test_each_end_is_counted_with_its_reason_and_by_kind(store: JobStore, redis: Redis) -> None:
    store.publish(committed(store).job.id, MODEL, PUBLICATION)
    store.fail(claimed(store), ERROR)
    store.fail(claimed(store, IMPORT), JobError(type="rejected", detail="no images", retryable=False))
    store.cancel(store.create(SPEC).job.id)
    ended = JobFigures.read(redis).of("ended")
    assert ended == {
        ("train", "succeeded"): 1,
        ("train", "failed:oom"): 1,
        ("import", "failed:rejected"): 1,
        ("train", "cancelled"): 1,
    }
    assert disagreements(redis) == []


def test_the_lists_are_counted_by_status_and_the_queue_by_kind(store: JobStore, redis: Redis) -> None:
    first = store.create(SPEC).job
    store.create(SPEC)
    store.create(IMPORT)
    claimed(store, IMPORT)
    redis.zadd("digitforge:queued", {first.id: (first.created_at.timestamp() - 90) * 1e6})
    figures = JobFigures.read(redis)
    assert (figures.jobs[JobStatus.QUEUED], figures.jobs[JobStatus.RUNNING]) == (3, 1)
    assert figures.queued == {"train": 2, "import": 1}
    assert 90 <= figures.oldest_queued_s["train"] < 120
    assert figures.oldest_queued_s["import"] < 30


def test_strikes_waits_and_time_are_counted(patient: JobStore, redis: Redis) -> None:
    claim = claimed(patient)
    expire(redis, claim)
    patient.sweep()
    patient.release(claimed_again(patient, claim.job.id))
    patient.pause(claim.job.id)
    patient.resume(claim.job.id)
    figures = JobFigures.read(redis)
    assert figures.of("strikes") == {("train", ""): 1}
    assert figures.of("claimed") == {("train", ""): 2}
    assert figures.of("paused") == {("train", ""): 1}
    assert figures.of("queued") == {
        ("train", reason): 1 for reason in ("created", "worker lost", "released", "resumed")
    }
    spent = redis.hget(job_key(claim.job.id), "spent_ms")
    assert figures.of("spent_ms") == {("train", ""): int(spent or 0)}
    assert disagreements(redis) == []


def test_deleted_jobs_stay_counted(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    store.fail(claim, ERROR)
    store.delete(claim.job.id)
    store.delete(claim.job.id)
    figures = JobFigures.read(redis)
    assert figures.of("ended") == figures.of("deleted") == {("train", "failed:oom"): 1}
    assert disagreements(redis) == []


def test_a_refused_call_counts_nothing(redis: Redis) -> None:
    store = JobStore(redis, lease_s=30, max_queued=1)
    job = store.create(SPEC, "key").job
    before = JobFigures.read(redis).counters
    store.create(SPEC, "key")
    with pytest.raises(QueueFull):
        store.create(SPEC)
    assert JobFigures.read(redis).counters == before
    assert store.get(job.id).status == "queued"


def test_a_time_that_went_back_counts_as_none(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    redis.hset(job_key(claim.job.id), "claimed_ms", 2**50)
    store.release(claim)
    assert JobFigures.read(redis).of("spent_ms") == {("train", ""): 0}


def test_a_failed_job_whose_record_says_not_why_can_be_deleted(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    store.fail(claim, ERROR)
    redis.hdel(job_key(claim.job.id), "error")
    store.delete(claim.job.id)
    assert JobFigures.read(redis).of("deleted") == {("train", "failed"): 1}


def test_a_wrong_counter_is_found(store: JobStore, redis: Redis) -> None:
    store.create(SPEC)
    redis.hincrby(COUNTERS_KEY, "claimed:train", 1)
    redis.hincrby(COUNTERS_KEY, "queued:train:created", 1)
    assert [line.partition(" ")[0] for line in disagreements(redis)] == [
        "claimed:train:",
        "created:train:",
        "queued:train:created:",
    ]


def test_counters_are_those_that_the_scripts_add_to(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    store.strike(claim, ERROR)
    store.pause(claim.job.id)
    store.cancel(claim.job.id)
    store.delete(claim.job.id)
    assert {name for name, _, _ in JobFigures.read(redis).counters} == set(COUNTERS)
