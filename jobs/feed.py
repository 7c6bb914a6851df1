"""What has become of a job, event by event, as the scripts in `jobs/scripts/` tell it.

Beside the stream of each job stands one of all jobs, written by the same scripts. The types are those of `EventType` in
`core/vocabulary.py`. A job has one only of the three that end it, and it is the last. Ids are those of a Redis stream:
each is greater than the one before. The last 10,000 events of a job are kept, and as many of all together.
"""

import re
import time
from typing import Any, NamedTuple, Self

from pydantic import TypeAdapter
from redis.asyncio import BlockingConnectionPool, Redis

from jobs.keys import EVENTS, events_key
from jobs.record import JobStatus

_EVENT_ID = re.compile("([0-9]{1,20})(?:-([0-9]{1,20}))?")
_LARGEST = 2**64 - 1
TERMINAL = {status.value for status in JobStatus if status.is_terminal}

READS_AT_ONCE = 64  # that do not wait for events; further ones take turns
TURN_S = 5.0  # that a read waits for its turn at most
BLOCK_MS = 2000  # of one read that waits: shorter than the time-out of redis-py's sockets, 5 s
_DATA: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class EventId(NamedTuple):
    """The id of an event as Redis has it: two unsigned 64-bit numbers, which are compared one after the other."""

    milliseconds: int
    sequence: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1700000000000-0`; a missing second number is 0. Raises ValueError."""
        match = _EVENT_ID.fullmatch(text)
        numbers = [int(number) for number in match.groups("0")] if match else []
        if not numbers or max(numbers) > _LARGEST:
            raise ValueError(f"not the id of an event: {text!r}")
        return cls(*numbers)

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    def before(self) -> "EventId":
        """The greatest id that is smaller. There is one for every id that Redis gave."""
        return (
            EventId(self.milliseconds, self.sequence - 1) if self.sequence else EventId(self.milliseconds - 1, _LARGEST)
        )


FIRST = EventId(0, 0)  # before all events


class JobEvent(NamedTuple):
    """One event."""

    id: EventId
    type: str
    data: str  # a JSON object

    @property
    def is_last(self) -> bool:
        """Whether the job has ended with it."""
        return self.type in TERMINAL

    @property
    def fields(self) -> dict[str, Any]:
        """The data, parsed."""
        return _DATA.validate_json(self.data)


class AnyEvent(NamedTuple):
    """One event of some job, in the stream of all."""

    id: EventId  # in this stream
    job_id: str
    caller: str  # whose job it is
    event: JobEvent  # with its id in the stream of its job


class EventFeed:
    """Reads the events of jobs, and waits for them. Every method may raise redis' RedisError."""

    def __init__(self, url: str, most_waiting: int) -> None:
        """`most_waiting` is how many may wait for events at once: each of them has a connection to Redis for itself."""
        most = most_waiting + READS_AT_ONCE
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url, max_connections=most, timeout=TURN_S, decode_responses=True, socket_connect_timeout=1
            )
        )

    async def read(self, job_id: str, after: EventId, limit: int) -> list[JobEvent]:
        """The next events after an id, oldest first."""
        return await self._read(job_id, after, limit, None)

    async def wait(self, job_id: str, after: EventId, limit: int, wait_ms: int) -> list[JobEvent]:
        """The same, but where there are none it waits for some: none after all when the time is over."""
        end = time.monotonic() + wait_ms / 1000
        while True:
            left_ms = int((end - time.monotonic()) * 1000)
            events = await self._read(job_id, after, limit, max(1, min(left_ms, BLOCK_MS)))
            if events or left_ms <= BLOCK_MS:
                return events

    async def is_over(self, job_id: str, after: EventId) -> bool:
        """Whether nothing comes after an id any more: the job ended with that event or an earlier one, or is gone."""
        rows: Any = await self._redis.xrevrange(events_key(job_id), count=1)
        newest = [_to_event(*row) for row in rows]
        return all(event.is_last and event.id <= after for event in newest)

    async def read_all(self, after: EventId, limit: int, wait_ms: int | None = None) -> list[AnyEvent]:
        """The next events of any jobs after an id, oldest first. It waits for some, up to `BLOCK_MS`, where it may."""
        return [_to_any_event(*row) for row in await self._rows(EVENTS, after, limit, wait_ms)]

    async def newest(self) -> EventId:
        """The id of the newest event of any job; `FIRST` where there is none."""
        rows: Any = await self._redis.xrevrange(EVENTS, count=1)
        return EventId.parse(rows[0][0]) if rows else FIRST

    async def after_gap(self, after: EventId) -> EventId | None:
        """After which id to go on, where events of some jobs after `after` may be lost; None where all are there.

        They are lost where they are no longer kept, and where Redis has less than it had: it was emptied, or is an
        older copy.
        """
        oldest: Any = await self._redis.xrange(EVENTS, count=1)
        if oldest and after < (before := EventId.parse(oldest[0][0]).before()):
            return before
        newest = await self.newest()
        return newest if after > newest else None

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _read(self, job_id: str, after: EventId, limit: int, block_ms: int | None) -> list[JobEvent]:
        return [_to_event(*row) for row in await self._rows(events_key(job_id), after, limit, block_ms)]

    async def _rows(self, key: str, after: EventId, limit: int, block_ms: int | None) -> list[Any]:
        streams: Any = await self._redis.xread({key: str(after)}, count=limit, block=block_ms)
        return [row for _, rows in streams or [] for row in rows]


def _to_event(event_id: str, fields: dict[str, str]) -> JobEvent:
    return JobEvent(EventId.parse(event_id), fields["type"], fields["data"])


def _to_any_event(event_id: str, fields: dict[str, str]) -> AnyEvent:
    return AnyEvent(EventId.parse(event_id), fields["job"], fields["caller"], _to_event(fields["event"], fields))
