"""What a worker's processes tell of themselves, and that it outlives a Redis that is away."""

import logging
import threading

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from cli.redis_server import RedisServer
from jobs.workers import LaneReport, Workers
from tests.service import wait_until
from worker import telling
from worker.telling import MainProcess, Telling


def main_process(redis: Redis, draining: threading.Event | None = None) -> MainProcess:
    return MainProcess(Workers(redis), "w1", ["cpu"], (draining or threading.Event()).is_set, lambda: 0.0)


def test_a_worker_without_a_waiting_connection_hears_nothing(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    main, workers = main_process(redis), Workers(redis)
    main.tell()
    assert workers.all()[0].main.listens  # it has a while to connect
    monkeypatch.setattr(telling, "DEAF_S", 0.0)
    main.tell()
    assert not workers.all()[0].main.listens


def test_one_whose_lanes_are_all_at_work_need_not_hear(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    main, workers = main_process(redis), Workers(redis)
    workers.tell_of_lane("w1", "0", LaneReport(pid=1, job_id="0a1b"))
    monkeypatch.setattr(telling, "DEAF_S", 0.001)
    main.tell()
    assert workers.all()[0].main.listens
    workers.tell_of_lane("w1", "0", LaneReport(pid=1))
    wait_until(lambda: main.tell() or not workers.all()[0].main.listens)  # type: ignore[func-returns-value]


def test_it_says_that_it_drains_and_is_forgotten_when_it_ends(redis: Redis) -> None:
    draining = threading.Event()
    main, workers = main_process(redis, draining), Workers(redis)
    main.tell()
    draining.set()
    main.tell()
    assert workers.all()[0].main.draining
    main.forget()
    assert workers.all() == []


def test_telling_outlives_redis_being_away(
    redis: Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telling, "TELL_S", 0.01)
    away, calls = threading.Event(), []
    main = main_process(redis)

    def tell() -> None:
        calls.append(1)
        if away.is_set():
            raise RedisConnectionError("away")
        main.tell()

    thread = Telling(tell)
    thread.start()
    try:
        wait_until(lambda: Workers(redis).all())
        away.set()
        seen = len(calls)
        wait_until(lambda: len(calls) > seen + 5)
        redis.flushall()
        away.clear()
        wait_until(lambda: Workers(redis).all())
    finally:
        thread.end()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1  # not one each time
    main.forget()
