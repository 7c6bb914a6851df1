"""A day's images: counted in memory, added up in Redis."""

import logging
from collections.abc import Iterator

import pytest
from redis import Redis, RedisError

from access.day_use import DayUse, today
from cli.redis_server import RedisServer
from core.ports import hold_port, port_of
from jobs.redis_client import connect
from tests.freezing import frozen
from tests.service import wait_until


@pytest.fixture
def days(redis: Redis) -> Iterator[DayUse]:
    days = DayUse(redis)
    yield days
    days.close()


@pytest.fixture
def other(redis_server: RedisServer) -> Iterator[DayUse]:
    """That of another process."""
    client = connect(redis_server.url)
    days = DayUse(client)
    yield days
    days.close()
    client.close()


def test_what_is_added_counts_at_once_and_is_in_redis_soon(days: DayUse, redis: Redis) -> None:
    days.add("a", 5)
    days.add("b", 1)
    days.add("a", -2)
    assert (days.used("a"), days.used("b"), days.used("c")) == (3, 1, 0)
    wait_until(lambda: redis.hget(f"digitforge:caller:a:use:{today()}", "images") == "3")
    assert days.used("a") == 3
    assert 0 < redis.ttl(f"digitforge:caller:a:use:{today()}") <= 3 * 86_400


def test_processes_see_each_others_images(days: DayUse, other: DayUse) -> None:
    other.add("a", 5)
    other.flush()
    days.add("a", 1)
    days.flush()
    assert days.used("a") == 6
    assert other.used("a") == 5
    other.add("a", 1)
    other.flush()
    assert other.used("a") == 7


def test_what_is_left_is_counted_at_the_end(redis: Redis, other: DayUse) -> None:
    days = DayUse(redis)
    days.add("a", 5)
    days.close()
    other.add("a", 1)
    other.flush()
    assert other.used("a") == 6


def test_what_redis_did_though_its_answer_came_too_late_is_counted_once(
    redis_server: RedisServer, redis: Redis, days: DayUse
) -> None:
    days.add("a", 1)
    days.flush()
    assert redis_server.process is not None
    with frozen(redis_server.process.pid):
        days.add("a", 5)
        with pytest.raises(RedisError):  # sent twice, and both times given up
            days.flush()
    days.flush()
    assert redis.hget(f"digitforge:caller:a:use:{today()}", "images") == "6"


def test_while_redis_is_away_each_process_goes_by_what_it_knows(caplog: pytest.LogCaptureFixture) -> None:
    held = hold_port()  # nobody listens on it
    client = connect(f"redis://127.0.0.1:{port_of(held)}/0")
    days = DayUse(client)
    with caplog.at_level(logging.WARNING):
        days.add("a", 5)
        with pytest.raises(RedisError):
            days.flush()
        days.add("a", 1)
        assert days.used("a") == 6
        wait_until(lambda: "Redis is away" in caplog.text)
        days.close()
    assert days.used("a") == 6
    assert caplog.text.count("Redis is away") == 1
    client.close()
    held.close()
