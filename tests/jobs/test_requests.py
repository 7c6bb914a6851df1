"""What users ask of a job that waits or runs: cancel, pause, resume."""

import pytest
from redis import Redis

from core.errors import JobStateConflict
from jobs.record import JobStatus
from jobs.store import JobStore
from tests.jobs.claims import SPEC, ForgetfulStore, claimed, claimed_again, indexes


def test_a_queued_job_is_cancelled_at_once(store: JobStore, redis: Redis) -> None:
    job = store.create(SPEC).job
    assert store.cancel(job.id).status is JobStatus.CANCELLED
    assert store.cancel(job.id).status is JobStatus.CANCELLED
    assert store.claim(job.id) is None
    assert indexes(redis, job.id) == (False, False)


def test_a_running_job_is_cancelled_by_its_owner(store: JobStore) -> None:
    claim = claimed(store)
    assert store.cancel(claim.job.id).request == "cancel"
    assert store.beat(claim) == "cancel"
    store.acknowledge_cancel(claim)
    assert store.get(claim.job.id).status is JobStatus.CANCELLED


def test_a_running_job_is_paused_by_its_owner_and_resumed(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    assert store.pause(claim.job.id).request == "pause"
    assert store.beat(claim) == "pause"
    assert store.release(claim) is JobStatus.PAUSED
    assert indexes(redis, claim.job.id) == (False, False)
    assert store.claim(claim.job.id) is None
    assert store.resume(claim.job.id).status is JobStatus.QUEUED
    assert indexes(redis, claim.job.id) == (True, False)


def test_a_pause_can_be_taken_back_before_it_happens(store: JobStore) -> None:
    claim = claimed(store)
    store.pause(claim.job.id)
    assert store.resume(claim.job.id).request is None
    assert store.beat(claim) == "ok"
    with pytest.raises(JobStateConflict, match="it is running"):
        store.resume(claim.job.id)


def test_a_cancel_wins_over_a_pause(store: JobStore) -> None:
    claim = claimed(store)
    store.pause(claim.job.id)
    store.cancel(claim.job.id)
    with pytest.raises(JobStateConflict, match="it is cancelling"):
        store.pause(claim.job.id)
    assert store.release(claim) is JobStatus.CANCELLED


def test_a_resume_whose_answer_was_lost_is_no_conflict(store: JobStore, redis: Redis) -> None:
    forgetful, claim = ForgetfulStore(redis, 30), claimed(store)
    store.pause(claim.job.id)
    assert forgetful.resume(claim.job.id).request is None
    with pytest.raises(JobStateConflict, match="it is running"):
        forgetful.resume(claim.job.id)
    store.pause(claim.job.id)
    store.release(claim)
    forgetful.between = lambda: claimed_again(store, claim.job.id)  # type: ignore[method-assign]
    assert forgetful.resume(claim.job.id).status is JobStatus.RUNNING
