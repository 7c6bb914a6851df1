"""The service's own records, read at the end: the jobs, their events, and what is left in the indexes."""

import json
from typing import Any, NamedTuple

from redis import Redis

from core.vocabulary import QueuedReason
from jobs.keys import JOBS, PREFIX, events_key
from jobs.record import Job
from jobs.redis_client import connect
from jobs.store import JobStore
from tests.chaos.service import ChaosService
from tests.jobs.counted import disagreements

LOST = {
    QueuedReason.WORKER_LOST,
    QueuedReason.TRAINER_LOST,
    QueuedReason.IMPORTER_LOST,
}  # reasons of a queued job that had a strike


class Told(NamedTuple):
    """One event of a job's stream."""

    id: str
    type: str
    data: dict[str, Any]

    @property
    def at_s(self) -> float:
        """When it was told, by Redis' clock."""
        return int(self.id.partition("-")[0]) / 1000

    @property
    def is_strike(self) -> bool:
        """Whether it tells of an attempt that was lost, and not the last one."""
        return self.type == "queued" and self.data["reason"] in LOST


class Records(NamedTuple):
    """What Redis holds when all has ended."""

    jobs: dict[str, Job]
    events: dict[str, list[Told]]
    leftovers: dict[str, int]  # entries of indexes that must be empty
    miscounted: list[str]  # counters that are not what the records say


def read_records(service: ChaosService) -> Records:
    """Read everything, with Redis running."""
    redis = connect(service.redis_url)
    store = JobStore.of(service.settings)
    ids: list[str] = redis.zrange(JOBS, 0, -1)  # type: ignore[assignment]
    indexes = ("queued", "leases", "publishing")
    return Records(
        jobs={job_id: store.get(job_id) for job_id in ids},
        events={job_id: _stream(redis, job_id) for job_id in ids},
        leftovers={name: int(redis.zcard(f"{PREFIX}{name}")) for name in indexes},
        miscounted=disagreements(redis),
    )


def _stream(redis: "Redis", job_id: str) -> list[Told]:
    rows: Any = redis.xrange(events_key(job_id))
    return [Told(event_id, fields["type"], json.loads(fields["data"])) for event_id, fields in rows]
