"""Idempotency-Keys: the same request is answered as the first time."""

import pytest
from redis import Redis

from core.errors import IdempotencyKeyReused, QueueFull
from jobs.record import JobOrigin
from jobs.store import JobStore
from tests.jobs.claims import SPEC


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
    store.cancel(store.queued_ids("train")[0])
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
    assert 0 < redis.ttl("digitforge:idempotency:anybody:mine") <= 24 * 3600

    store.cancel(second.job.id)
    store.delete(second.job.id)
    never = SPEC.model_copy(update={"publish": "never"})
    assert store.create(never, "mine").job.spec == never  # the key is free, for any request


def test_a_key_is_refused_for_another_request_and_forgotten_after_a_day(store: JobStore, redis: Redis) -> None:
    store.create(SPEC, "mine")
    with pytest.raises(IdempotencyKeyReused, match="the key 'mine' was used"):
        store.create(SPEC.model_copy(update={"publish": "never"}), "mine")
    assert 0 < redis.ttl("digitforge:idempotency:anybody:mine") <= 24 * 3600
    assert len(store.page(limit=10)) == 1


def test_callers_do_not_share_their_keys(store: JobStore) -> None:
    first = store.create(SPEC, "mine", origin=JobOrigin("one")).job
    for caller, key in (("two", "mine"), ("one", "two:mine"), ("anybody", "one:mine")):
        assert not store.create(SPEC, key, origin=JobOrigin(caller)).replayed
    again = store.create(SPEC, "mine", origin=JobOrigin("one"))
    assert (again.replayed, again.job.id) == (True, first.id)
