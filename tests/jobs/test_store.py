"""The transitions of a job, on a real Redis."""

import json
import time
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeout

from core.errors import IdempotencyKeyReused, JobNotFound, JobStateConflict, LeaseLost, QueueFull
from core.recipe import PRESETS
from jobs.record import Claim, JobError, JobProgress, JobSpec, JobStatus, News, Publication
from jobs.store import MAX_STRIKES, JobStore

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


def committed(store: JobStore) -> Claim:
    claim = claimed(store)
    assert store.commit(claim, MODEL) == "ok"
    return claim


def claimed_again(store: JobStore, job_id: str) -> Claim:
    claim = store.claim(job_id)
    assert claim is not None
    return claim


def events(redis: Redis, job_id: str) -> list[tuple[str, dict[str, Any]]]:
    rows: Any = redis.xrange(f"digitforge:events:{job_id}")
    return [(fields["type"], json.loads(fields["data"])) for _, fields in rows]


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


def wait_for_uptime(redis: Redis, seconds: float) -> None:
    """The sweeper does nothing before Redis has been up for a lease."""
    while redis.info("server")["uptime_in_seconds"] < seconds:
        time.sleep(0.1)


@pytest.fixture
def patient(redis: Redis) -> JobStore:
    """A store with so short a lease that Redis has been up for longer than it."""
    wait_for_uptime(redis, 1)
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


def test_the_same_key_makes_one_job_and_is_answered_as_the_first_time(store: JobStore) -> None:
    first = store.create(SPEC, "mine")
    assert not first.replayed
    store.cancel(first.job.id)
    again = store.create(SPEC, "mine")
    assert again.replayed
    assert again.job.model_dump(exclude={"event"}) == first.job.model_dump(exclude={"event"})
    assert len(store.page(limit=10)) == 1
    assert store.create(SPEC, "yours").job.id != first.job.id
    assert store.create(SPEC).job.id != store.create(SPEC).job.id


def test_a_key_is_answered_although_its_job_has_ended_and_the_queue_is_full(redis: Redis) -> None:
    store = JobStore(redis, lease_s=30, max_queued=1)
    first = store.create(SPEC, "mine").job
    store.cancel(first.id)
    store.create(SPEC)
    assert store.create(SPEC, "mine").job.id == first.id
    with pytest.raises(QueueFull):
        store.create(SPEC, "yours")
    store.cancel(store.queued_ids()[0])
    assert not store.create(SPEC, "yours").replayed  # a key that was refused is free


def test_a_key_whose_job_was_deleted_makes_a_new_one(redis: Redis) -> None:
    store = JobStore(redis, lease_s=30, max_queued=1)
    first = store.create(SPEC, "mine").job
    store.cancel(first.id)
    store.delete(first.id)
    other = store.create(SPEC).job
    with pytest.raises(QueueFull):
        store.create(SPEC, "mine")
    store.cancel(other.id)

    second = store.create(SPEC, "mine")
    assert not second.replayed
    assert second.job.id != first.id
    assert store.get(second.job.id) == second.job
    again = store.create(SPEC, "mine")
    assert (again.replayed, again.job.id, again.job.created_at) == (True, second.job.id, second.job.created_at)
    assert 0 < redis.ttl("digitforge:key:mine") <= 24 * 3600

    store.cancel(second.job.id)
    store.delete(second.job.id)
    never = SPEC.model_copy(update={"publish": "never"})
    assert store.create(never, "mine").job.spec == never  # the key is free, for any request


def test_a_key_is_refused_for_another_request_and_forgotten_after_a_day(store: JobStore, redis: Redis) -> None:
    store.create(SPEC, "mine")
    with pytest.raises(IdempotencyKeyReused, match="the key 'mine' was used"):
        store.create(SPEC.model_copy(update={"publish": "never"}), "mine")
    assert 0 < redis.ttl("digitforge:key:mine") <= 24 * 3600
    assert len(store.page(limit=10)) == 1


def test_only_so_many_jobs_may_wait(redis: Redis) -> None:
    store = JobStore(redis, lease_s=30, max_queued=2)
    first, _ = store.create(SPEC).job, store.create(SPEC)
    with pytest.raises(QueueFull, match="2 jobs wait already"):
        store.create(SPEC)
    assert len(store.page(limit=10)) == 2
    assert store.claim(first.id) is not None
    store.create(SPEC)


@pytest.mark.parametrize(
    ("took_ms", "running", "expected_s"),
    [([], 0, 60), ([90_000, 30_000], 1, 60), ([90_000, 31_000], 2, 31), ([5], 1, 1)],
)
def test_a_full_queue_says_when_to_come_again(redis: Redis, took_ms: list[int], running: int, expected_s: int) -> None:
    """The mean time that jobs took, over the number of jobs that run at once."""
    store = JobStore(redis, lease_s=30, max_queued=1)
    for _ in range(running):
        claimed(store)
    for ms in took_ms:
        redis.lpush("digitforge:durations", ms)
    store.create(SPEC)
    with pytest.raises(QueueFull) as caught:
        store.create(SPEC)
    assert caught.value.retry_after_s == expected_s


def test_how_long_a_job_ran_is_measured_over_its_attempts_without_its_waits(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    job_id = claim.job.id
    redis.hincrby(f"digitforge:job:{job_id}", "claimed_ms", -5000)
    store.release(claim)
    time.sleep(0.3)
    claim = claimed_again(store, job_id)
    redis.hincrby(f"digitforge:job:{job_id}", "claimed_ms", -2000)
    store.commit(claim, MODEL)
    time.sleep(0.3)
    store.publish(job_id, MODEL, PUBLICATION)
    (took,) = redis.lrange("digitforge:durations", 0, -1)
    assert 7000 <= int(took) < 7300


def test_a_job_whose_trainer_died_is_tried_again(store: JobStore, redis: Redis) -> None:
    claim, other = claimed(store), store.create(SPEC).job
    assert store.strike(claim, ERROR) is JobStatus.QUEUED
    assert store.queued_ids() == [claim.job.id, other.id]
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


def test_a_cancel_before_the_commit_refuses_it(store: JobStore) -> None:
    claim = claimed(store)
    store.cancel(claim.job.id)
    assert store.commit(claim, MODEL) == "cancel"
    assert store.get(claim.job.id).model_id is None
    store.acknowledge_cancel(claim)
    with pytest.raises(LeaseLost):
        store.publish(claim.job.id, MODEL, PUBLICATION)


def test_a_job_that_publishes_can_only_succeed(patient: JobStore, redis: Redis) -> None:
    claim = committed(patient)
    job_id = claim.job.id
    for request in (patient.cancel, patient.pause):
        with pytest.raises(JobStateConflict, match="it is publishing"):
            request(job_id)
    for refused in (patient.resume, patient.delete):
        with pytest.raises(JobStateConflict, match="it is running"):
            refused(job_id)
    for call in (
        lambda: patient.commit(claim, "another"),
        lambda: patient.fail(claim, ERROR),
        lambda: patient.acknowledge_cancel(claim),
        lambda: patient.release(claim),
        lambda: patient.strike(claim, ERROR),
        lambda: patient.publish(job_id, "another", PUBLICATION),
    ):
        with pytest.raises(LeaseLost):
            call()
    assert patient.beat(claim) == "lost"
    assert patient.sweep() == {}
    assert patient.commit(claim, MODEL) == "ok"
    assert indexes(redis, job_id) == (False, False)
    patient.publish(job_id, MODEL, PUBLICATION)
    assert patient.get(job_id).publication == PUBLICATION


def test_a_pause_that_comes_before_the_commit_is_overtaken_by_it(store: JobStore) -> None:
    claim = claimed(store)
    store.pause(claim.job.id)
    assert store.commit(claim, MODEL) == "ok"
    assert store.get(claim.job.id).request is None


def test_a_publication_is_left_to_who_began_it_for_a_lease(store: JobStore, redis: Redis) -> None:
    claim = committed(store)
    assert store.publishing_ids() == []
    redis.zincrby("digitforge:publishing", -29_000, claim.job.id)
    assert store.publishing_ids() == []
    redis.zincrby("digitforge:publishing", -1_100, claim.job.id)
    assert store.publishing_ids() == [claim.job.id]
    store.publish(claim.job.id, MODEL, PUBLICATION)
    assert store.publishing_ids() == []


def test_a_job_is_deleted_only_when_it_has_ended(store: JobStore, redis: Redis) -> None:
    queued, paused, running = store.create(SPEC).job.id, store.create(SPEC).job.id, claimed(store).job.id
    store.pause(paused)
    for job_id in (queued, paused, running):
        with pytest.raises(JobStateConflict, match="cannot delete"):
            store.delete(job_id)
    assert store.deleted_ids() == set()
    with pytest.raises(JobNotFound):
        store.delete("nobody")


def test_a_deleted_job_leaves_nothing_but_its_files(store: JobStore, redis: Redis) -> None:
    cancelled, failed, succeeded = store.create(SPEC).job.id, claimed(store), committed(store)
    store.cancel(cancelled)
    store.fail(failed, ERROR)
    store.publish(succeeded.job.id, MODEL, PUBLICATION)
    ended = {cancelled, failed.job.id, succeeded.job.id}
    for job_id in ended:
        store.delete(job_id)
        with pytest.raises(JobNotFound):
            store.get(job_id)
    assert store.page(limit=10) == []
    assert store.ended_ids(before_s=-1) == []
    assert set(redis.keys()) == {"digitforge:files", "digitforge:durations"}
    assert store.deleted_ids() == ended
    for job_id in ended:
        store.forget(job_id)
    assert store.deleted_ids() == set()


def test_jobs_that_ended_long_ago_are_found(store: JobStore, redis: Redis) -> None:
    ended, recent = store.create(SPEC).job.id, store.create(SPEC).job.id
    claimed(store)
    store.cancel(ended)
    store.cancel(recent)
    redis.zincrby("digitforge:ended", -60_000, ended)
    assert store.ended_ids(before_s=59) == [ended]
    assert store.ended_ids(before_s=62) == []
    assert set(store.ended_ids(before_s=-1)) == {ended, recent}


def test_news_are_told_once_and_in_order_in_each_attempt(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    news = [News(number, "epoch", json.dumps({"epoch": number})) for number in (1, 2, 3)]
    store.beat(claim, news=news[:2])
    store.beat(claim, news=news)  # the answer to the first call was lost
    store.beat(Claim(job=claim.job, owner="stranger"), news=[News(9, "epoch", "{}")])
    assert events(redis, claim.job.id)[2:] == [("epoch", {"epoch": number}) for number in (1, 2, 3)]
    store.release(claim)
    store.beat(claimed_again(store, claim.job.id), news=news[:1])
    assert events(redis, claim.job.id)[-1] == ("epoch", {"epoch": 1})


def test_the_events_of_a_job_tell_its_life(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    job_id = claim.job.id
    store.beat(claim, device="cpu", progress=PROGRESS, news=[News(1, "started", '{"step":0}')])
    for request in (store.pause, store.pause, store.resume, store.pause):
        request(job_id)
    store.release(claim)
    store.resume(job_id)
    store.release(claimed_again(store, job_id))
    store.strike(claimed_again(store, job_id), ERROR)
    store.commit(claimed_again(store, job_id), MODEL)
    store.publish(job_id, MODEL, PUBLICATION)
    assert events(redis, job_id) == [
        ("queued", {"reason": "created"}),
        ("running", {"attempt": 1}),
        ("started", {"step": 0}),
        ("requested", {"request": "pause"}),
        ("requested", {"request": None}),
        ("requested", {"request": "pause"}),
        ("paused", {}),
        ("queued", {"reason": "resumed"}),
        ("running", {"attempt": 2}),
        ("queued", {"reason": "released"}),
        ("running", {"attempt": 3}),
        ("queued", {"reason": "trainer lost"}),
        ("running", {"attempt": 4}),
        ("publishing", {"model": MODEL}),
        ("succeeded", {}),
    ]
    newest: Any = redis.xrevrange(f"digitforge:events:{job_id}", count=1)
    assert store.get(job_id).event == newest[0][0]


def test_a_strike_whose_answer_was_lost_is_said_again(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    assert [store.strike(claim, ERROR) for _ in range(MAX_STRIKES)] == [JobStatus.QUEUED] * MAX_STRIKES
    assert len(events(redis, claim.job.id)) == 3
    claimed_again(store, claim.job.id)
    with pytest.raises(LeaseLost):
        store.strike(claim, ERROR)


class ForgetfulStore(JobStore):
    """The first answer to each script is lost, and the client sends it again, perhaps after something happened."""

    def between(self) -> object: ...

    def _run(self, *arguments: Any, **keywords: Any) -> str:
        super()._run(*arguments, **keywords)
        self.between()
        return super()._run(*arguments, **keywords)


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


def test_a_delete_whose_answer_was_lost_finds_the_job_deleted(store: JobStore, redis: Redis) -> None:
    job_id = store.create(SPEC).job.id
    store.cancel(job_id)
    ForgetfulStore(redis, 30).delete(job_id)
    store.delete(job_id)
    store.forget(job_id)
    with pytest.raises(JobNotFound):
        store.delete(job_id)


def test_no_job_is_accepted_before_it_is_on_disk(store: JobStore, redis: Redis) -> None:
    redis.config_set("appendfsync", "no")
    try:
        with pytest.raises(RedisTimeout, match="did not sync"):
            store.create(SPEC)
    finally:
        redis.config_set("appendfsync", "always")
    assert store.create(SPEC).job.status is JobStatus.QUEUED
