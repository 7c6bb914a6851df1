"""Reading which jobs there are, while somebody else creates or moves them."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from jobs.redis_client import connect
from jobs.store import JobStore
from tests.jobs.claims import IMPORT, SPEC, claimed

Interrupted = Callable[[Callable[[], object], int], JobStore]


@pytest.fixture
def interrupted(redis: Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Interrupted:
    """Makes a store, and has something happen when Redis has given it so many answers."""

    def make(meanwhile: Callable[[], object], after: int) -> JobStore:
        store = JobStore(connect(redis_server.url), lease_s=30)
        store.ping()
        connection = store._redis.connection_pool.get_connection()
        store._redis.connection_pool.release(connection)
        answers, read = 0, connection.read_response

        def read_response(*arguments: Any, **keywords: Any) -> Any:
            nonlocal answers
            answer = read(*arguments, **keywords)
            answers += 1
            if answers == after:
                meanwhile()
            return answer

        monkeypatch.setattr(connection, "read_response", read_response)
        return store

    return make


def test_an_import_that_is_created_meanwhile_is_no_training(store: JobStore, interrupted: Interrupted) -> None:
    reader = interrupted(lambda: store.create(IMPORT), 1)
    assert reader.queued_ids("train") == []
    assert len(store.queued_ids("import")) == 1


def test_a_job_that_falls_back_into_the_queue_meanwhile_is_alive(store: JobStore, interrupted: Interrupted) -> None:
    claim = claimed(store, SPEC)
    reader = interrupted(lambda: (store.create(SPEC), store.release(claim)), 2)
    assert claim.job.id in [job.id for job in reader.alive()]
