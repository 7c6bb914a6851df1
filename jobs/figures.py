"""How often what has happened to jobs, and how many there are: counters and lists of one moment.

The scripts in `jobs/scripts/` add to the counters where they change a record, so a crash neither loses a change nor
counts it twice, and every API reads the same. `tests/jobs/counted.py` holds counters and records together.
"""

from typing import Any, Literal, NamedTuple, Self, get_args

from redis import Redis

from jobs import keys
from jobs.record import JobKind, JobStatus

CounterName = Literal[
    "queued",  # by QueuedReason
    "claimed",
    "paused",
    "ended",  # by status, with `failed:` before the type of the error
    "strikes",
    "spent_ms",  # by workers
    "deleted",  # by status, as `ended`
    "deleted_claimed",  # of the jobs that were deleted, what their records held
    "deleted_spent_ms",
]
COUNTERS: tuple[CounterName, ...] = get_args(CounterName)
KINDS: tuple[JobKind, ...] = get_args(JobKind)


class JobFigures(NamedTuple):
    """What is to be said of all jobs at one moment."""

    counters: dict[tuple[CounterName, JobKind, str], int]  # with what it is counted by, or ''
    jobs: dict[JobStatus, int]
    queued: dict[JobKind, int]
    oldest_queued_s: dict[JobKind, float]  # since the oldest queued one was created; 0 where none waits

    @classmethod
    def read(cls, redis: "Redis") -> Self:
        """All of it in one transaction. Raises redis' RedisError."""
        with redis.pipeline(transaction=True) as pipeline:
            pipeline.hgetall(keys.COUNTERS)
            pipeline.time()
            pipeline.zrange(keys.jobs_with(JobStatus.QUEUED), 0, -1, withscores=True)
            pipeline.zrange(keys.IMPORTS, 0, -1, withscores=True)
            for status in JobStatus:
                pipeline.zcard(keys.jobs_with(status))
            counters, (seconds, microseconds), queued, imports, *cards = pipeline.execute()
        now_s = int(seconds) + int(microseconds) / 1e6
        created: dict[JobKind, list[float]] = {"train": _without(imports, queued), "import": [at for _, at in imports]}
        return cls(
            counters={_parts(name): int(value) for name, value in counters.items()},
            jobs=dict(zip(JobStatus, cards, strict=True)),
            queued={kind: len(found) for kind, found in created.items()},
            oldest_queued_s={
                kind: max(0.0, now_s - min(found) / 1e6) if found else 0.0 for kind, found in created.items()
            },
        )

    def of(self, name: CounterName) -> dict[tuple[JobKind, str], int]:
        """A counter, by kind and by what it is counted by."""
        return {(kind, by): value for (found, kind, by), value in self.counters.items() if found == name}


def _parts(name: str) -> Any:
    what, kind, *by = name.split(":", 2)
    return what, kind, by[0] if by else ""


def _without(imports: list[tuple[str, float]], queued: list[tuple[str, float]]) -> list[float]:
    apart = {job_id for job_id, _ in imports}
    return [created for job_id, created in queued if job_id not in apart]
