"""The registry of workers: who told of itself lately, and what is wrong with it."""

import threading
from datetime import UTC, datetime

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from jobs.workers import FORGET_S, LaneReport, Worker, WorkerReport, Workers, client_name
from tests.service import wait_until

STARTED = datetime(2026, 11, 26, 12, tzinfo=UTC)


def report(worker_id: str = "w1", **changes: object) -> WorkerReport:
    told = WorkerReport(
        id=worker_id,
        host="here",
        pid=1,
        version="0.1.0",
        started_at=STARTED,
        devices=("cuda:0", "cuda:1"),
        listens=True,
    )
    return told.model_copy(update=changes)


@pytest.fixture
def workers(redis: Redis) -> Workers:
    return Workers(redis)


def tell(workers: Workers, main: WorkerReport, *silent: str) -> Worker:
    workers.tell(main)
    for name in set(main.lanes) - set(silent):
        workers.tell_of_lane(main.id, name, LaneReport(pid=2))
    (found,) = (one for one in workers.all() if one.main.id == main.id)
    return found


def test_a_worker_is_what_it_told(workers: Workers) -> None:
    workers.tell(report())
    workers.tell_of_lane("w1", "0", LaneReport(pid=2, job_id="0a1b", attempt=3))
    workers.tell_of_lane("w1", "import", LaneReport(pid=3))
    (found,) = workers.all()
    assert found.main == report()
    assert found.main.lanes == {"0": "cuda:0", "1": "cuda:1", "import": None}
    assert found.lanes == {"0": LaneReport(pid=2, job_id="0a1b", attempt=3), "import": LaneReport(pid=3)}


def test_the_oldest_comes_first(workers: Workers) -> None:
    for worker_id, hour in (("a", 3), ("b", 1), ("c", 2)):
        workers.tell(report(worker_id, started_at=STARTED.replace(hour=hour)))
    assert [worker.main.id for worker in workers.all()] == ["b", "c", "a"]


def test_what_is_told_is_forgotten_soon(workers: Workers, redis: Redis) -> None:
    tell(workers, report())
    told: list[str] = redis.keys("digitforge:worker:*")  # type: ignore[assignment]
    assert len(told) == 4
    assert all(0 < redis.pttl(key) <= 1000 * FORGET_S for key in told)
    redis.delete("digitforge:worker:w1")  # as when it expires
    assert workers.all() == []
    assert not redis.exists("digitforge:workers")
    assert tell(workers, report()).fault is None  # it thaws


def test_a_worker_that_ends_is_forgotten_at_once(workers: Workers) -> None:
    tell(workers, report())
    workers.forget("w1")
    workers.forget("w1")
    assert workers.all() == []


def test_a_silent_lane_is_a_fault(workers: Workers) -> None:
    assert tell(workers, report()).fault is None
    assert tell(workers, report("w2"), "1", "import").fault == "no word for 10 s from its lanes: 1, import"
    assert tell(workers, report("w3", draining=True), "import").fault is None  # its lanes end one after another


def test_a_worker_that_hears_nothing_is_at_fault(workers: Workers) -> None:
    assert tell(workers, report(listens=False)).fault == "it hears of no new trainings"
    assert tell(workers, report(listens=False, draining=True)).fault is None


def test_what_a_newer_version_tells_is_passed_over(workers: Workers, redis: Redis) -> None:
    tell(workers, report())
    for key in redis.keys("digitforge:worker:*"):
        redis.set(key, str(redis.get(key)).replace("{", '{"newer":{"a":1},', 1))
    (found,) = workers.all()
    assert (found.main, len(found.lanes)) == (report(), 3)


def test_a_worker_listens_while_its_connection_waits_for_messages(
    workers: Workers, redis: Redis, redis_server: RedisServer
) -> None:
    assert not workers.listens("w1")
    with Redis.from_url(redis_server.url, client_name=client_name("w1")) as waiting:
        waiting.ping()
        assert not workers.listens("w1")  # it is connected
        thread = threading.Thread(target=waiting.brpop, args=(["a-queue"], 20))
        thread.start()
        wait_until(lambda: workers.listens("w1"))
        assert not workers.listens("w")
        redis.lpush("a-queue", "1")
        thread.join()
    assert not workers.listens("w1")
