"""Reading the events of a job, and waiting for them, on a real Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cli.redis_server import RedisServer
from core.events import FIRST, EventFeed
from core.jobs import News
from core.store import JobStore
from tests.core.test_store import SPEC, claimed

T = TypeVar("T")


def with_feed(server: RedisServer, use: Callable[[EventFeed], Awaitable[T]]) -> T:
    async def run() -> T:
        feed = EventFeed(server.url)
        try:
            return await use(feed)
        finally:
            await feed.close()

    return asyncio.run(run())


def test_events_are_read_page_by_page_oldest_first(redis_server: RedisServer, store: JobStore) -> None:
    claim = claimed(store)
    store.beat(claim, news=[News(1, "epoch", '{"epoch":1}')])
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
        waiting = asyncio.create_task(feed.wait(job.id, job.event, limit=9, wait_ms=20_000))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(store.cancel, other.id)
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await asyncio.to_thread(store.pause, job.id)
        assert [event.type for event in await waiting] == ["paused"]

    begun = time.monotonic()
    with_feed(redis_server, wait)
    assert time.monotonic() - begun < 10


def test_a_wait_in_vain_ends_with_its_time(redis_server: RedisServer, store: JobStore) -> None:
    job = store.create(SPEC).job
    begun = time.monotonic()
    assert with_feed(redis_server, lambda feed: feed.wait(job.id, job.event, limit=9, wait_ms=300)) == []
    assert 0.3 <= time.monotonic() - begun < 10
    assert with_feed(redis_server, lambda feed: feed.wait(job.id, job.event, limit=9, wait_ms=0)) == []
