"""From the commit of a model to its publication."""

import pytest
from redis import Redis

from core.errors import JobStateConflict, LeaseLost
from jobs.store import JobStore
from tests.jobs.claims import ERROR, MODEL, PUBLICATION, claimed, committed, indexes


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
