"""Lost workers and trainers: leases that expire, and strikes."""

import pytest
from redis import Redis

from core.errors import LeaseLost
from jobs.record import Claim, JobStatus
from jobs.store import MAX_STRIKES, JobStore
from tests.jobs.claims import ERROR, SPEC, claimed, claimed_again, events, expire, indexes


def test_a_job_with_a_live_lease_is_not_swept(patient: JobStore) -> None:
    claim = claimed(patient)
    assert patient.sweep() == {}
    assert patient.beat(claim) == "ok"


def test_an_expired_lease_gives_the_job_away(patient: JobStore, redis: Redis) -> None:
    claim = claimed(patient)
    expire(redis, claim)
    assert patient.sweep() == {claim.job.id: "queued"}
    assert patient.beat(claim) == "lost"
    assert indexes(redis, claim.job.id) == (True, False)


def test_a_job_whose_workers_keep_vanishing_fails(patient: JobStore, redis: Redis) -> None:
    job_id = patient.create(SPEC).job.id
    for _ in range(MAX_STRIKES):
        claim = patient.claim(job_id)
        assert claim is not None
        expire(redis, claim)
        patient.sweep()
    job = patient.get(job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.type == "worker-lost"


def test_a_checkpoint_clears_the_strikes(patient: JobStore, redis: Redis) -> None:
    job_id = patient.create(SPEC).job.id
    for _ in range(MAX_STRIKES + 1):
        claim = patient.claim(job_id)
        assert claim is not None
        patient.beat(claim, checkpointed=True)
        expire(redis, claim)
        assert patient.sweep() == {job_id: "queued"}


@pytest.mark.parametrize(("request_", "status"), [("cancel", "cancelled"), ("pause", "paused")])
def test_a_vanished_worker_still_carries_out_a_request(
    patient: JobStore, redis: Redis, request_: str, status: str
) -> None:
    claim = claimed(patient)
    getattr(patient, request_)(claim.job.id)
    expire(redis, claim)
    assert patient.sweep() == {claim.job.id: status}
    assert indexes(redis, claim.job.id) == (False, False)


def test_nothing_is_swept_while_redis_has_just_started(redis: Redis) -> None:
    store = JobStore(redis, lease_s=10_000)
    claim = claimed(store)
    expire(redis, claim)
    assert store.sweep() == {}


def test_a_job_whose_trainer_died_is_tried_again(store: JobStore, redis: Redis) -> None:
    claim, other = claimed(store), store.create(SPEC).job
    assert store.strike(claim, ERROR) is JobStatus.QUEUED
    assert store.queued_ids("train") == [claim.job.id, other.id]
    assert store.get(claim.job.id).error is None
    assert indexes(redis, claim.job.id) == (True, False)
    assert events(redis, claim.job.id)[-1] == ("queued", {"reason": "trainer lost"})


def test_the_third_strike_fails_the_job(store: JobStore) -> None:
    job_id = store.create(SPEC).job.id
    came_to = [store.strike(claimed_again(store, job_id), ERROR) for _ in range(MAX_STRIKES)]
    assert came_to == [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.FAILED]
    assert store.get(job_id).error == ERROR


def test_strikes_of_owners_and_of_the_sweeper_add_up(patient: JobStore, redis: Redis) -> None:
    job_id = patient.create(SPEC).job.id
    patient.strike(claimed_again(patient, job_id), ERROR)
    expire(redis, claimed_again(patient, job_id))
    assert patient.sweep() == {job_id: "queued"}
    assert patient.strike(claimed_again(patient, job_id), ERROR) is JobStatus.FAILED


def test_a_cancel_wins_over_the_third_strike_and_that_over_a_pause(store: JobStore) -> None:
    for request, status in ((store.cancel, JobStatus.CANCELLED), (store.pause, JobStatus.FAILED)):
        job_id = store.create(SPEC).job.id
        for _ in range(MAX_STRIKES - 1):
            store.strike(claimed_again(store, job_id), ERROR)
        last = claimed_again(store, job_id)
        request(job_id)
        assert store.strike(last, ERROR) is status


def test_a_strike_counts_for_its_owner_only(store: JobStore) -> None:
    claim = claimed(store)
    with pytest.raises(LeaseLost):
        store.strike(Claim(job=claim.job, owner="stranger"), ERROR)
    assert store.beat(claim) == "ok"


def test_a_strike_whose_answer_was_lost_is_said_again(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    assert [store.strike(claim, ERROR) for _ in range(MAX_STRIKES)] == [JobStatus.QUEUED] * MAX_STRIKES
    assert len(events(redis, claim.job.id)) == 3
    claimed_again(store, claim.job.id)
    with pytest.raises(LeaseLost):
        store.strike(claim, ERROR)
