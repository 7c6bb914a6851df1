"""The end of an attempt is recorded, however long Redis is away."""

import threading
import time

import pytest
from redis import RedisError

from cli.redis_server import RedisServer
from core.errors import LeaseLost
from core.vocabulary import FailureKind
from jobs.record import Claim, JobStatus
from jobs.redis_client import connect
from jobs.store import JobStore
from tests.jobs.claims import MODEL, claimed
from worker.attempt import Attempt


def never() -> bool:
    return False


def test_an_end_is_told_again_until_redis_answers(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer(tmp_path_factory.mktemp("away")) as server:
        store = JobStore(connect(server.url), 30)
        claim = claimed(store)
        server.stop()
        ending = threading.Thread(
            target=Attempt(store, claim, never).fail, args=(FailureKind.OUT_OF_MEMORY, "too large")
        )
        ending.start()
        while "trying again" not in caplog.text:
            time.sleep(0.01)
        server.start()
        ending.join(30)
        job = store.get(claim.job.id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.type, job.error.detail, job.error.retryable) == ("oom", "too large", True)


def test_a_worker_that_is_to_stop_does_not_wait_for_redis(store: JobStore) -> None:
    away = Attempt(JobStore(connect("redis://127.0.0.1:1"), 30), claimed(store), lambda: True)
    with pytest.raises(RedisError):
        away.release()


def test_who_lost_a_job_hears_it_from_every_call(store: JobStore) -> None:
    attempt = Attempt(store, Claim(job=claimed(store).job, owner="stranger"), never)
    for call in (
        lambda: attempt.fail(FailureKind.DIVERGED, "nan"),
        lambda: attempt.strike(FailureKind.STALLED, "silent", ""),
        lambda: attempt.commit(MODEL),
        attempt.release,
        attempt.acknowledge_cancel,
    ):
        with pytest.raises(LeaseLost):
            call()


def test_a_cancel_that_came_before_refuses_the_commit(store: JobStore) -> None:
    claim = claimed(store)
    store.cancel(claim.job.id)
    assert not Attempt(store, claim, never).commit(MODEL)
    second = claimed(store)
    assert Attempt(store, second, never).commit(MODEL)
