"""Jobs that have ended, and what is left of them."""

import pytest
from redis import Redis

from core.errors import JobNotFound, JobStateConflict
from jobs.store import JobStore
from tests.jobs.claims import ERROR, MODEL, PUBLICATION, SPEC, ForgetfulStore, claimed, committed


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
    use = redis.keys("digitforge:caller:anybody:use:*")
    assert set(redis.keys()) == {
        "digitforge:files",
        "digitforge:durations",
        "digitforge:counters",
        "digitforge:events",
        *use,
    }
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


def test_a_delete_whose_answer_was_lost_finds_the_job_deleted(store: JobStore, redis: Redis) -> None:
    job_id = store.create(SPEC).job.id
    store.cancel(job_id)
    ForgetfulStore(redis, 30).delete(job_id)
    store.delete(job_id)
    store.forget(job_id)
    with pytest.raises(JobNotFound):
        store.delete(job_id)
