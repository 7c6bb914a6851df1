"""Reading the events of a job, and waiting for them, on a real Redis."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from redis import Redis, RedisError, ResponseError
from redis.backoff import NoBackoff
from redis.retry import Retry

from cli.redis_server import RedisServer
from core.vocabulary import EventType
from jobs.feed import FIRST, EventFeed, EventId
from jobs.record import NumberedEvent
from jobs.redis_away import is_redis_away
from jobs.store import JobStore
from tests.jobs.claims import SPEC, claimed

T = TypeVar("T")


def with_feed(server: RedisServer, use: Callable[[EventFeed], Awaitable[T]]) -> T:
    async def run() -> T:
        feed = EventFeed(server.url, most_waiting=1)
        try:
            return await use(feed)
        finally:
            await feed.close()

    return asyncio.run(run())


def test_events_are_read_page_by_page_oldest_first(redis_server: RedisServer, store: JobStore) -> None:
    claim = claimed(store)
    store.beat(claim, events=[NumberedEvent(1, EventType.EPOCH, '{"epoch":1}')])
    store.cancel(claim.job.id)
    store.acknowledge_cancel(claim)

    async def pages(feed: EventFeed) -> None:
        first = await feed.read(claim.job.id, FIRST, limit=3)
        assert [event.type for event in first] == ["queued", "running", "epoch"]
        assert first[2].fields == {"epoch": 1}
        rest = await feed.read(claim.job.id, first[-1].id, limit=3)
        assert [event.type for event in rest] == ["requested", "cancelled"]
        assert [event.is_last for event in first + rest] == [False] * 4 + [True]
        assert await feed.read(claim.job.id, rest[-1].id, limit=3) == []
        assert await feed.read("nobody", FIRST, limit=3) == []

    with_feed(redis_server, pages)


def test_what_is_there_already_is_not_waited_for(redis_server: RedisServer, store: JobStore) -> None:
    claim = claimed(store)

    async def wait(feed: EventFeed) -> None:
        first = await feed.wait(claim.job.id, FIRST, limit=1, wait_ms=20_000)
        assert [event.type for event in first] == ["queued"]
        rest = await feed.wait(claim.job.id, first[0].id, limit=9, wait_ms=20_000)
        assert [event.type for event in rest] == ["running"]

    begun = time.monotonic()
    with_feed(redis_server, wait)
    assert time.monotonic() - begun < 10


def test_an_event_ends_the_wait_for_it(redis_server: RedisServer, store: JobStore) -> None:
    job, other = store.create(SPEC).job, store.create(SPEC).job

    async def wait(feed: EventFeed) -> None:
        waiting = asyncio.create_task(feed.wait(job.id, EventId.parse(job.event), limit=9, wait_ms=20_000))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(store.cancel, other.id)
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await asyncio.to_thread(store.pause, job.id)
        assert [event.type for event in await waiting] == ["paused"]

    begun = time.monotonic()
    with_feed(redis_server, wait)
    assert time.monotonic() - begun < 10


def test_a_wait_may_be_longer_than_a_socket_waits_for_an_answer(redis_server: RedisServer, store: JobStore) -> None:
    job = store.create(SPEC).job

    async def wait(feed: EventFeed) -> None:
        waiting = asyncio.create_task(feed.wait(job.id, EventId.parse(job.event), limit=9, wait_ms=30_000))
        await asyncio.sleep(5.5)  # redis-py's sockets give up after 5 s
        await asyncio.to_thread(store.pause, job.id)
        assert [event.type for event in await waiting] == ["paused"]

    with_feed(redis_server, wait)


def test_a_wait_in_vain_ends_with_its_time(redis_server: RedisServer, store: JobStore) -> None:
    job = store.create(SPEC).job
    begun = time.monotonic()
    assert with_feed(redis_server, lambda feed: feed.wait(job.id, EventId.parse(job.event), limit=9, wait_ms=300)) == []
    assert 0.3 <= time.monotonic() - begun < 10
    assert with_feed(redis_server, lambda feed: feed.wait(job.id, EventId.parse(job.event), limit=9, wait_ms=0)) == []


LARGEST = 2**64 - 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", (0, 0)),
        ("7-3", (7, 3)),
        ("1700000000000-0", (1_700_000_000_000, 0)),
        ("007-03", (7, 3)),
        (f"{LARGEST}-{LARGEST}", (LARGEST, LARGEST)),
    ],
)
def test_an_id_is_two_numbers(text: str, expected: tuple[int, int]) -> None:
    assert EventId.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "1-", "-1", "1-2-3", "+1", "1_0", " 1", "1\n", "0x1", "$", "*", "1-*"),
        *("9" * 20, f"{LARGEST + 1}-0", f"0-{LARGEST + 1}"),
        *("\u0661\u0662-\u0660", "\uff11", "\u00b9"),  # digits of other scripts
    ],
)
def test_what_is_no_id_of_an_event_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the id of an event"):
        EventId.parse(text)


def test_redis_takes_every_id_and_has_them_in_the_same_order(redis: Redis) -> None:
    rng = random.Random(1)
    sides = [0, 1, 9, 10, LARGEST - 1, LARGEST, *(rng.randrange(2**64) for _ in range(6))]
    ids = sorted({EventId(one, other) for one in sides for other in sides} - {FIRST})
    for event_id in ids:
        redis.xadd("ordered", {"a": "b"}, id=str(event_id))  # which Redis refuses unless it is greater than the last
    rows: Any = redis.xrange("ordered")
    assert [EventId.parse(row[0]) for row in rows] == ids


def test_nothing_comes_after_the_largest_id(redis_server: RedisServer, store: JobStore) -> None:
    job, largest = store.create(SPEC).job, EventId(LARGEST, LARGEST)

    async def read(feed: EventFeed) -> None:
        assert await feed.read(job.id, largest, limit=9) == []
        assert await feed.wait(job.id, largest, limit=9, wait_ms=10) == []

    with_feed(redis_server, read)


def test_the_events_of_a_job_are_over_once_it_has_ended_or_is_gone(redis_server: RedisServer, store: JobStore) -> None:
    job = store.create(SPEC).job

    def is_over(after: EventId) -> bool:
        return with_feed(redis_server, lambda feed: feed.is_over(job.id, after))

    created, later = EventId.parse(job.event), EventId(LARGEST, 0)
    assert [is_over(after) for after in (FIRST, created, later)] == [False] * 3
    last = EventId.parse(store.cancel(job.id).event)
    assert [is_over(after) for after in (FIRST, created, last, later)] == [False, False, True, True]
    store.delete(job.id)
    assert [is_over(after) for after in (FIRST, later)] == [True, True]


def error_of(redis: Redis, *command: str) -> RedisError:
    with pytest.raises(RedisError) as caught:
        redis.execute_command(*command)  # type: ignore[no-untyped-call]
    return caught.value


def test_an_error_of_the_request_is_not_redis_being_away(redis: Redis) -> None:
    redis.set("text", "x")
    for wrong in (("XADD", "stream", "0-0", "a", "b"), ("XRANGE", "text", "-", "+"), ("NOSUCH",), ("GET",)):
        error = error_of(redis, *wrong)
        assert isinstance(error, ResponseError)
        assert not is_redis_away(error)


def test_a_redis_that_takes_no_writes_is_away(redis: Redis) -> None:
    for setting, value, usual in (("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")):
        redis.config_set(setting, value)
        try:
            error = error_of(redis, "SET", "text", "x")
        finally:
            redis.config_set(setting, usual)
        assert is_redis_away(error), error
    with Redis(port=1, retry=Retry(NoBackoff(), 0)) as nobody:
        assert is_redis_away(error_of(nobody, "PING"))
