"""How many jobs a caller may make, and have run: decided in Redis, whoever else asks at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis

from core.access import Limits
from core.errors import QuotaExceeded
from jobs.record import Claim, JobOrigin, JobStatus
from jobs.store import JobStore
from tests.jobs.claims import ERROR, IMPORT, SPEC

DAY_MS = 86_400_000
A, B = JobOrigin("a"), JobOrigin("b")


def make(store: JobStore, origin: JobOrigin = A, **limits: Any) -> str:
    return store.create(SPEC, None, origin, Limits(**limits)).job.id


def refusal(store: JobStore, origin: JobOrigin = A, **limits: Any) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as refused:
        make(store, origin, **limits)
    return refused.value


def oldest(store: JobStore) -> Claim:
    claim = store.claim_oldest("train")
    assert claim is not None
    return claim


def run_for(redis: Redis, claim: Claim, ms: int) -> None:
    """Let it have been claimed so much earlier."""
    redis.hincrby(f"digitforge:job:{claim.job.id}", "claimed_ms", -ms)


def test_a_caller_may_have_so_many_jobs_wait_and_others_have_theirs(store: JobStore) -> None:
    first, _ = make(store, queued=2), make(store, queued=2)
    refused = refusal(store, queued=2)
    assert (refused.name, refused.limit, refused.retry_after_s) == ("queued", 2, 60)
    assert str(refused) == "the limit queued is 2, and that much is used; allowed again in 60 s"
    make(store, B, queued=2)
    store.pause(first)
    assert refusal(store, queued=2).name == "queued"  # else a caller could pause as many as it likes
    store.cancel(first)
    make(store, queued=2)


def test_a_quota_of_0_is_none_at_all_and_no_waiting_helps(store: JobStore) -> None:
    for name in ("queued", "jobs_per_hour", "device_s_per_day"):
        assert refusal(store, A, **{name: 0}).retry_after_s is None
    claimed = make(store, running=0)
    assert store.claim(claimed) is None


def test_no_race_passes_a_quota(store: JobStore) -> None:
    def try_one(_: int) -> bool:
        try:
            make(store, queued=5, jobs_per_hour=7)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_one, range(40))) == 5
        for job in store.page(10):
            store.cancel(job.id)
        assert sum(pool.map(try_one, range(40))) == 2

        for _ in range(6):
            make(store, B, running=3)
        claims = list(pool.map(lambda _: store.claim_oldest("train"), range(20)))
    assert sorted(claim.job.caller for claim in claims if claim) == ["a", "a", "b", "b", "b"]


def test_jobs_of_an_hour_come_back_one_by_one_and_a_refusal_or_a_replay_costs_none(store: JobStore) -> None:
    levels = [store.create(SPEC, None, A, Limits(jobs_per_hour=2)).level_us for _ in range(2)]
    assert 0 < levels[0] <= 1800e6 < levels[1] <= 3600e6
    waits = [refusal(store, jobs_per_hour=2).retry_after_s for _ in range(3)]
    assert all(1795 <= (wait or 0) <= 1800 for wait in waits)
    made = [store.create(SPEC, "word", B, Limits(jobs_per_hour=1)).replayed for _ in range(2)]
    assert made == [False, True]
    assert refusal(store, B, jobs_per_hour=1).name == "jobs_per_hour"


def test_room_is_asked_for_without_taking_it(store: JobStore) -> None:
    limits = Limits(jobs_per_hour=1)
    for _ in range(3):
        store.require_room("import", "a", limits)
    store.create(IMPORT, None, A, limits)
    with pytest.raises(QuotaExceeded, match="jobs_per_hour is 1"):
        store.require_room("import", "a", limits)


def test_jobs_of_a_caller_that_runs_enough_wait_and_others_overtake_them(store: JobStore) -> None:
    first, second, third = make(store, running=1), make(store, running=1), make(store, B)
    claim = oldest(store)
    assert claim.job.id == first
    assert store.claim(second) is None
    assert store.claimable_ids("train") == [third]
    assert oldest(store).job.id == third
    assert store.claim_oldest("train") is None
    assert store.get(second).status is JobStatus.QUEUED
    store.fail(claim, ERROR)
    assert oldest(store).job.id == second


def test_a_claim_that_is_said_again_is_not_held_back_by_itself(store: JobStore, redis: Redis) -> None:
    job_id = make(store, running=1)
    claim = store.claim(job_id)
    assert claim
    assert store._run("claim", job_id, claim.owner, 30_000) == "ok"


def test_the_newest_job_brings_the_limits_that_hold_for_all(store: JobStore) -> None:
    make(store, running=1), make(store, running=1), make(store, running=2)
    assert [store.claim_oldest("train") is not None for _ in range(3)] == [True, True, False]
    make(store)
    assert store.claim_oldest("train")


def test_seconds_of_a_day_are_added_up_over_jobs_that_ran_and_run(store: JobStore, redis: Redis) -> None:
    limits: dict[str, Any] = {"device_s_per_day": 100}
    first, _ = make(store, **limits), make(store, **limits)
    claim, started = oldest(store), store.usage("a").now_ms % DAY_MS
    ran = min(60_000, started)  # of today, however early it is
    run_for(redis, claim, ran)
    assert ran <= store.usage("a").device_ms < ran + 5000
    store.fail(claim, ERROR)
    assert ran <= store.usage("a").device_ms < ran + 5000
    claim = oldest(store)
    run_for(redis, claim, min(60_000, started))
    if started > 60_000:
        refused = refusal(store, **limits)
        assert refused.name == "device_s_per_day"
        assert abs((refused.retry_after_s or 0) - (DAY_MS - started) / 1000) < 10
        third = make(store)  # of a key without that limit now
        make(store, B)
        assert store.claimable_ids("train")[0] == third
    assert store.get(claim.job.id).status is JobStatus.RUNNING
    assert store.get(first).status is JobStatus.FAILED


def test_a_queued_job_waits_for_tomorrow_when_its_caller_has_used_the_day(store: JobStore, redis: Redis) -> None:
    job_id = make(store, device_s_per_day=10)
    use = f"digitforge:caller:a:use:{store.usage('a').now_ms // DAY_MS}"
    redis.hset(use, "device_ms", 10_000)
    assert store.claim(job_id) is None
    assert store.claimable_ids("train") == []
    redis.delete(use)  # as midnight does
    assert store.claim(job_id) is not None


def test_each_day_gets_its_part_of_a_long_job(store: JobStore, redis: Redis) -> None:
    make(store)
    claim = oldest(store)
    now_ms = store.usage("a").now_ms
    today = now_ms // DAY_MS
    run_for(redis, claim, now_ms % DAY_MS + DAY_MS + 1000)  # from a second before the day before this one
    store.release(claim)
    days = [int(redis.hget(f"digitforge:caller:a:use:{day}", "device_ms") or 0) for day in range(today - 2, today + 1)]
    assert 1000 <= days[0] < 5000
    assert days[1] == DAY_MS
    assert abs(days[2] - now_ms % DAY_MS) < 5000
    assert 0 < redis.ttl(f"digitforge:caller:a:use:{today}") <= 3 * 86_400
    assert store.usage("a").device_ms == days[2]


def test_usage_counts_what_waits_and_runs_of_a_caller_alone(store: JobStore) -> None:
    paused, _ = make(store), make(store)
    oldest_claim = store.claim(make(store, B))
    store.pause(paused)
    a, b, other = store.usage("a"), store.usage("b"), store.usage("c")
    assert (a.queued, a.running, b.queued, b.running) == (2, 0, 0, 1)
    assert (other.queued, other.running, other.images, other.device_ms) == (0, 0, 0, 0)
    assert oldest_claim


def test_without_keys_everybody_is_one_caller(store: JobStore) -> None:
    anybody = JobOrigin()
    make(store, anybody, queued=2, running=1), make(store, anybody, queued=2, running=1)
    assert refusal(store, anybody, queued=2).name == "queued"
    assert [store.claim_oldest("train") is not None for _ in range(2)] == [True, False]
    assert store.usage("anybody").running == 1
