"""What has become of a job, event by event, as the scripts in `core/scripts/` tell it.

    type         data
    queued       reason: created, released, resumed, worker lost, trainer lost
    running      attempt
    started      what the trainer said when it began: device, step, ...
    progress     the progress, without what has events of its own
    epoch        an epoch's means and, where it was scored, its scores
    warning      kind, step, detail, hint
    requested    request: cancel, pause, or null for a pause that was taken back
    paused
    publishing   model
    succeeded, failed, cancelled: the last event of a job, and there is one only

Ids are those of a Redis stream: each is greater than the one before. The last 10,000 events of a job are kept.
"""

import re
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.jobs import JobStatus
from core.store import PREFIX, events_key

EVENT_ID = re.compile(r"\d{1,20}(-\d{1,20})?")
FIRST = "0-0"  # before all events
TERMINAL = {status.value for status in JobStatus if status.is_terminal}

_DATA: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class JobEvent(NamedTuple):
    """One event."""

    id: str
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


class EventFeed:
    """Reads the events of jobs, and waits for them. Every method may raise redis' RedisError."""

    def __init__(self, url: str, prefix: str = PREFIX) -> None:
        self._redis = Redis.from_url(url, decode_responses=True, socket_connect_timeout=1)
        self._prefix = prefix

    async def read(self, job_id: str, after: str, limit: int) -> list[JobEvent]:
        """The next events after an id, oldest first."""
        rows: Any = await self._redis.xrange(events_key(job_id, self._prefix), f"({after}", "+", count=limit)
        return [_to_event(*row) for row in rows]

    async def wait(self, job_id: str, after: str, limit: int, wait_ms: int) -> list[JobEvent]:
        """The same, but where there are none it waits for some: none after all when the time is over."""
        key = events_key(job_id, self._prefix)
        streams: Any = await self._redis.xread({key: after}, count=limit, block=max(1, wait_ms))
        return [_to_event(*row) for _, rows in streams or [] for row in rows]

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def _to_event(event_id: str, fields: dict[str, str]) -> JobEvent:
    return JobEvent(event_id, fields["type"], fields["data"])
