"""What has become of a job, event by event, as the scripts in `jobs/scripts/` tell it.

The types are those of `EventType` in `core/vocabulary.py`. A job has one only of the three that end it, and it is the
last. Ids are those of a Redis stream: each is greater than the one before. The last 10,000 events of a job are kept,
and the last 10,000 of all jobs in a stream of their own, where `deleted` follows the end of a job that is gone.
"""

import re
import time
from typing import Any, NamedTuple, Self

from pydantic import TypeAdapter
from redis.asyncio import Redis

from jobs.keys import EVENTS, events_key
from jobs.record import JobStatus

_EVENT_ID = re.compile("([0-9]{1,20})(?:-([0-9]{1,20}))?")
_LARGEST = 2**64 - 1
TERMINAL = {status.value for status in JobStatus if status.is_terminal}

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


class AnyJobsEvent(NamedTuple):
    """One event, among those of all jobs."""

    id: EventId  # among them
    job: str
    caller: str  # whose job it is
    event: EventId  # its id among the events of the job
    type: str
    data: str  # a JSON object


class EventFeed:
    """Reads the events of jobs, and waits for them. Every method may raise redis' RedisError."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, decode_responses=True, socket_connect_timeout=1)

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

    async def read_all(self, after: EventId, limit: int, wait_ms: int | None = None) -> list[AnyJobsEvent]:
        """The next events of all jobs after an id; with `wait_ms`, up to `BLOCK_MS`, it waits for some."""
        block = None if wait_ms is None else min(wait_ms, BLOCK_MS)
        streams: Any = await self._redis.xread({EVENTS: str(after)}, count=limit, block=block)
        return [_to_any_jobs_event(*row) for _, rows in streams or [] for row in rows]

    async def newest(self) -> EventId:
        """The id of the newest event of all jobs."""
        rows: Any = await self._redis.xrevrange(EVENTS, count=1)
        return EventId.parse(rows[0][0]) if rows else FIRST

    async def has_gap(self, after: EventId) -> bool:
        """Whether events of jobs after an id are no longer kept, or the id is one of another Redis."""
        if not await self._redis.exists(EVENTS):
            return after != FIRST
        about: Any = await self._redis.xinfo_stream(EVENTS)
        is_trimmed = about["entries-added"] > about["length"]
        is_older = about["first-entry"] is None or after < EventId.parse(about["first-entry"][0])
        return (is_trimmed and is_older) or after > EventId.parse(about["last-generated-id"])

    async def is_over(self, job_id: str, after: EventId) -> bool:
        """Whether nothing comes after an id any more: the job ended with that event or an earlier one, or is gone."""
        rows: Any = await self._redis.xrevrange(events_key(job_id), count=1)
        newest = [_to_event(*row) for row in rows]
        return all(event.is_last and event.id <= after for event in newest)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _read(self, job_id: str, after: EventId, limit: int, block_ms: int | None) -> list[JobEvent]:
        key = events_key(job_id)
        streams: Any = await self._redis.xread({key: str(after)}, count=limit, block=block_ms)
        return [_to_event(*row) for _, rows in streams or [] for row in rows]


def _to_event(event_id: str, fields: dict[str, str]) -> JobEvent:
    return JobEvent(EventId.parse(event_id), fields["type"], fields["data"])


def _to_any_jobs_event(event_id: str, fields: dict[str, str]) -> AnyJobsEvent:
    said = {**fields, "id": EventId.parse(event_id), "event": EventId.parse(fields["event"])}
    return AnyJobsEvent(**said)  # type: ignore[arg-type]
