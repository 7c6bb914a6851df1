"""Which queued job is next, whatever messages wait."""

from core.recipe import PRESETS
from jobs.record import JobError, TrainSpec
from jobs.store import JobStore

SPEC = TrainSpec(preset="smoke", recipe=PRESETS["smoke"], publish="never")


def test_the_oldest_queued_job_is_claimed_also_when_it_comes_back(store: JobStore) -> None:
    oldest, younger, youngest = (store.create(SPEC).job.id for _ in range(3))
    first, second = store.claim_oldest("train"), store.claim_oldest("train")
    assert first is not None
    assert second is not None
    assert (first.job.id, second.job.id) == (oldest, younger)

    store.strike(first, JobError(type="trainer-crashed", detail="", retryable=True))
    store.release(second)
    claims = [store.claim_oldest("train") for _ in range(4)]
    assert [claim and claim.job.id for claim in claims] == [oldest, younger, youngest, None]


def test_a_job_that_is_claimed_or_ended_meanwhile_is_passed_over(store: JobStore) -> None:
    cancelled, claimed, free = (store.create(SPEC).job.id for _ in range(3))
    store.cancel(cancelled)
    store.claim(claimed)
    found = store.claim_oldest("train")
    assert found is not None
    assert found.job.id == free
