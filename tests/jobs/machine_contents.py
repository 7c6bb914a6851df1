"""All that the store has in Redis, and a store whose first answers are lost."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from redis import Redis

from jobs.record import JobStatus
from jobs.store import JobStore

WITH_STATUS = {status: str(status) for status in JobStatus}
INDEXES = ["jobs", "imports", "leases", "publishing", "ended", *WITH_STATUS.values()]


class Contents(NamedTuple):
    """All that the store has in Redis."""

    records: dict[str, dict[str, str]]
    events: dict[str, list[tuple[str, dict[str, str]]]]
    indexes: dict[str, dict[str, float]]
    durations: list[str]
    files: set[str]
    counters: dict[str, str]
    keys: list[str]

    @classmethod
    def of(cls, redis: Redis, job_ids: Iterable[str]) -> "Contents":
        ids, indexes = list(job_ids), INDEXES
        with redis.pipeline() as pipeline:
            for job_id in ids:
                pipeline.hgetall(f"digitforge:job:{job_id}")
                pipeline.xrange(f"digitforge:events:{job_id}")
            for index in indexes:
                pipeline.zrange(f"digitforge:{index}", 0, -1, withscores=True)
            pipeline.lrange("digitforge:durations", 0, -1)
            pipeline.smembers("digitforge:files")
            pipeline.hgetall("digitforge:counters")
            pipeline.keys("digitforge:*")
            answers: list[Any] = pipeline.execute()
        n = 2 * len(ids)
        return cls(
            records={job_id: found for job_id, found in zip(ids, answers[:n:2], strict=True) if found},
            events={
                job_id: [tuple(row) for row in rows] for job_id, rows in zip(ids, answers[1:n:2], strict=True) if rows
            },
            indexes={index: dict(map(tuple, rows)) for index, rows in zip(indexes, answers[n:-4], strict=True)},
            durations=answers[-4],
            files=set(answers[-3]),
            counters=answers[-2],
            keys=sorted(answers[-1]),
        )

    def but_leases(self) -> "Contents":
        """The same, whenever the leases end."""
        return self._replace(indexes={**self.indexes, "leases": dict.fromkeys(self.indexes["leases"], 0.0)})


class ForgetfulStore(JobStore):
    """While `twice` is set the first answer of each script is lost, and the client sends it again, as redis-py does."""

    twice = False
    contents: Callable[[], Contents]

    def _run(self, script: str, job_id: str, *arguments: str | int, **keywords: Any) -> str:
        answer = super()._run(script, job_id, *arguments, **keywords)
        if not self.twice:
            return answer
        once = self.contents().but_leases()
        again = super()._run(script, job_id, *arguments, **keywords)
        assert self.contents().but_leases() == once, f"the second {script} changed something"
        return again
