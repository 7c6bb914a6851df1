"""The transitions of a job, on a real Redis."""

import time

import pytest
from redis import Redis

from core.errors import JobNotFound, JobStateConflict, LeaseLost
from core.jobs import Claim, JobError, JobProgress, JobSpec, JobStatus, Publication
from core.store import MAX_STRIKES, JobStore
from models.recipe import PRESETS

SPEC = JobSpec(preset="smoke", recipe=PRESETS["smoke"], publish="auto")
PUBLICATION = Publication(active=False, reason="worse")
MODEL = "0123456789abcdef"
ERROR = JobError(type="oom", detail="too large", retryable=True)
PROGRESS = JobProgress(
    epoch=1, epochs=2, step=3, total_steps=16, kimg=0.2, images_per_s=100.0, eta_s=8.3, losses={"loss_d": 1.3}
)


def claimed(store: JobStore) -> Claim:
    claim = store.claim(store.create(SPEC).job.id)
    assert claim is not None
    return claim


def indexes(redis: Redis, job_id: str) -> tuple[bool, bool]:
    """Whether the job is in the index of queued jobs, and whether it has a lease."""
    return (
        redis.zscore("digitforge:queued", job_id) is not None,
        redis.zscore("digitforge:leases", job_id) is not None,
    )


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


def test_a_released_job_keeps_its_place_and_its_start(store: JobStore) -> None:
    claim, other = claimed(store), store.create(SPEC).job
    assert store.release(claim) is JobStatus.QUEUED
    assert store.queued_ids() == [claim.job.id, other.id]
    again = store.claim(claim.job.id)
    assert again is not None
    assert (again.job.attempt, again.job.started_at) == (2, claim.job.started_at)


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


def expire(redis: Redis, claim: Claim) -> None:
    redis.zadd("digitforge:leases", {claim.job.id: 1})


@pytest.fixture
def patient(redis: Redis) -> JobStore:
    """A store with so short a lease that Redis has been up for longer than it."""
    while redis.info("server")["uptime_in_seconds"] < 1:
        time.sleep(0.1)
    return JobStore(redis, lease_s=0.5)


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


def test_pages_go_from_the_newest_to_the_oldest(store: JobStore) -> None:
    ids = []
    for _ in range(5):
        ids.append(store.create(SPEC).job.id)
        time.sleep(0.002)  # the order of two jobs within a millisecond is not promised
    newest_first = ids[::-1]
    first = store.page(limit=2)
    second = store.page(limit=10, after=first[-1].id)
    assert [job.id for job in first + second] == newest_first
    store.cancel(ids[2])
    assert [job.id for job in store.page(limit=10, status=JobStatus.CANCELLED)] == [ids[2]]
    with pytest.raises(JobNotFound):
        store.page(limit=2, after="nobody")


def test_scripts_survive_a_script_flush(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    redis.script_flush()
    assert store.beat(claim) == "ok"
