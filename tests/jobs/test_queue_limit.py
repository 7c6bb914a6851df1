"""How many jobs may wait, and for how long."""

import time

import pytest
from redis import Redis

from core.errors import QueueFull
from jobs.store import JobStore
from tests.jobs.claims import MODEL, PUBLICATION, SPEC, claimed, claimed_again


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
