"""The transitions of a job, on a real Redis."""

import time

import pytest
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeout

from core.errors import JobNotFound, JobStateConflict, LeaseLost
from jobs.record import Claim, JobStatus
from jobs.store import JobStore
from tests.jobs.claims import ERROR, MODEL, PROGRESS, PUBLICATION, SPEC, claimed, claimed_again, indexes


def test_a_new_job_is_queued_and_reads_back_as_it_was_asked_for(store: JobStore, redis: Redis) -> None:
    job = store.create(SPEC).job
    assert (job.status, job.spec, job.attempt, job.started_at) == (JobStatus.QUEUED, SPEC, 0, None)
    assert store.get(job.id) == job
    assert indexes(redis, job.id) == (True, False)


def test_an_unknown_job_is_not_found(store: JobStore) -> None:
    for call in (store.get, store.cancel, store.pause, store.resume):
        with pytest.raises(JobNotFound, match="no job 'nobody'"):
            call("nobody")
    assert store.claim("nobody") is None


def test_a_job_is_claimed_once(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    assert (claim.job.status, claim.job.attempt) == (JobStatus.RUNNING, 1)
    assert claim.job.started_at is not None
    assert indexes(redis, claim.job.id) == (False, True)
    assert store.claim(claim.job.id) is None


def test_a_beat_saves_progress_and_renews_the_lease(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    redis.zadd("digitforge:leases", {claim.job.id: 1})
    assert store.beat(claim, device="cpu", progress=PROGRESS) == "ok"
    job = store.get(claim.job.id)
    assert (job.device, job.progress) == ("cpu", PROGRESS)
    expiry = redis.zscore("digitforge:leases", claim.job.id)
    assert expiry is not None
    assert expiry > time.time() * 1000


def test_what_was_saved_of_a_run_stays_known_over_its_attempts(store: JobStore) -> None:
    claim = claimed(store)
    assert claim.job.saved is None
    assert store.beat(claim, saved="runs/x/a001/1") == "ok"
    assert store.beat(claim) == "ok"
    store.release(claim)
    again = claimed_again(store, claim.job.id)
    assert again.job.saved == "runs/x/a001/1"
    assert store.beat(claim, saved="runs/x/a001/2") == "lost"
    assert store.get(claim.job.id).saved == "runs/x/a001/1"


def test_only_the_owner_moves_a_running_job(store: JobStore) -> None:
    claim = claimed(store)
    stranger = Claim(job=claim.job, owner="stranger")
    assert store.beat(stranger) == "lost"
    for call in (
        lambda: store.commit(stranger, MODEL),
        lambda: store.fail(stranger, ERROR),
        lambda: store.acknowledge_cancel(stranger),
        lambda: store.release(stranger),
    ):
        with pytest.raises(LeaseLost):
            call()
    assert store.get(claim.job.id).status is JobStatus.RUNNING


def test_an_end_is_final_and_saying_it_twice_changes_nothing(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    assert store.commit(claim, MODEL) == "ok"
    assert store.get(claim.job.id).is_publishing
    store.publish(claim.job.id, MODEL, PUBLICATION)
    ended = store.get(claim.job.id)
    assert (ended.status, ended.model_id) == (JobStatus.SUCCEEDED, MODEL)
    assert indexes(redis, claim.job.id) == (False, False)

    store.publish(claim.job.id, MODEL, PUBLICATION)
    with pytest.raises(LeaseLost):
        store.publish(claim.job.id, "another", PUBLICATION)
    with pytest.raises(LeaseLost):
        store.commit(claim, MODEL)
    with pytest.raises(LeaseLost):
        store.fail(claim, ERROR)
    with pytest.raises(LeaseLost):
        store.release(claim)
    with pytest.raises(JobStateConflict, match="it is succeeded"):
        store.cancel(claim.job.id)
    assert store.beat(claim) == "lost"
    assert store.get(claim.job.id) == ended


def test_a_failure_keeps_its_error(store: JobStore) -> None:
    claim = claimed(store)
    store.fail(claim, ERROR)
    job = store.get(claim.job.id)
    assert (job.status, job.error) == (JobStatus.FAILED, ERROR)
    assert job.finished_at is not None


def test_a_released_job_keeps_its_place_and_its_start(store: JobStore) -> None:
    claim, other = claimed(store), store.create(SPEC).job
    assert store.release(claim) is JobStatus.QUEUED
    assert store.queued_ids("train") == [claim.job.id, other.id]
    again = store.claim(claim.job.id)
    assert again is not None
    assert (again.job.attempt, again.job.started_at) == (2, claim.job.started_at)


def test_pages_go_from_the_newest_to_the_oldest(store: JobStore) -> None:
    ids = [store.create(SPEC).job.id for _ in range(5)]
    newest_first = ids[::-1]
    first = store.page(limit=2)
    second = store.page(limit=10, after=first[-1].id)
    assert [job.id for job in first + second] == newest_first
    store.cancel(ids[2])
    assert [job.id for job in store.page(limit=10, status=JobStatus.CANCELLED)] == [ids[2]]
    with pytest.raises(JobNotFound):
        store.page(limit=2, after="nobody")


def test_a_page_of_a_status_goes_on_behind_a_job_that_has_another_by_now(store: JobStore) -> None:
    ids = [store.create(SPEC).job.id for _ in range(6)]
    for job_id in ids[::2]:
        store.cancel(job_id)
    (newest,) = store.page(limit=1, status=JobStatus.QUEUED)
    assert newest.id == ids[5]
    store.cancel(newest.id)
    rest = store.page(limit=5, after=newest.id, status=JobStatus.QUEUED)
    assert [job.id for job in rest] == [ids[3], ids[1]]


def test_scripts_survive_a_script_flush(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    redis.script_flush()
    assert store.beat(claim) == "ok"


def test_no_job_is_accepted_before_it_is_on_disk(store: JobStore, redis: Redis) -> None:
    redis.config_set("appendfsync", "no")
    try:
        with pytest.raises(RedisTimeout, match="did not sync"):
            store.create(SPEC)
    finally:
        redis.config_set("appendfsync", "always")
    assert store.create(SPEC).job.status is JobStatus.QUEUED
