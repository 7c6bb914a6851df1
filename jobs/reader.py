"""Reading jobs: their records, and which there are in a state. `jobs/keys.py` names the keys."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from redis import Redis

from core.access import ANYBODY_ID
from core.errors import JobNotFound
from jobs import keys
from jobs.figures import JobFigures
from jobs.record import ImportSpec, Job, JobKind, JobOrigin, JobStatus
from jobs.workers import Workers


class KeptRun(NamedTuple):
    """What a job's record says of its files in the store that machines share."""

    has_ended: bool
    attempt: int  # how often a worker has claimed it
    saved: str  # the key of the newest list of them; empty of a job that has none


class JobReader:
    """What can be asked of jobs. Every method may raise redis' RedisError."""

    def __init__(self, redis: "Redis", lease_s: float) -> None:
        self._redis = redis
        self._lease_ms = int(lease_s * 1000)

    @property
    def workers(self) -> Workers:
        """Who carries the jobs out."""
        return Workers(self._redis)

    def get(self, job_id: str) -> Job:
        """The record of a job. Raises JobNotFound."""
        fields: dict[str, str] = self._redis.hgetall(keys.job_key(job_id))  # type: ignore[assignment]
        if not fields:
            raise JobNotFound(f"no job {job_id!r}")
        return Job.from_hash(fields)

    def origin_of(self, job_id: str) -> JobOrigin:
        """The request that made a job, also where the rest of its record cannot be read; empty of one that is gone."""
        found: list[str | None] = self._redis.hmget(keys.job_key(job_id), JobOrigin._fields)  # type: ignore[assignment]
        return JobOrigin(*(value or "" for value in found))

    def first_of(self, idempotency_key: str, caller: str = ANYBODY_ID) -> Job | None:
        """The job that an earlier request with this key made; None if none did, or the job was deleted."""
        first_id: str | None = self._redis.hget(keys.idempotency_key(idempotency_key, caller), "id")  # type: ignore[assignment]
        try:
            return self.get(first_id) if first_id else None
        except JobNotFound:
            return None

    def newest_event(self) -> str:
        """The id of the newest event of any job; `0-0` where there is none."""
        rows: Any = self._redis.xrevrange(keys.EVENTS, count=1)
        return str(rows[0][0]) if rows else "0-0"

    def page(
        self, limit: int, after: str | None = None, status: JobStatus | None = None, caller: str | None = None
    ) -> list[Job]:
        """Up to `limit` jobs, newest first, those older than the job `after`; with `caller`, those of that caller.

        Raises JobNotFound for `after`.
        """
        every = keys.JOBS if caller is None else keys.jobs_of(caller)
        index, below = every if status is None else _jobs_with(status, caller), "+inf"
        if after is not None:
            created_us = self._redis.zscore(every, after)
            if created_us is None:
                raise JobNotFound(f"no job {after!r}")
            below = f"({int(created_us)}"  # no two have one time: a script takes microseconds
        found: list[Job] = []
        while len(found) < limit:
            rows: Any = self._redis.zrevrangebyscore(
                index, below, 0, start=0, num=limit - len(found), withscores=True, score_cast_func=int
            )
            if not rows:
                break
            with self._redis.pipeline(transaction=False) as pipeline:
                for job_id, _ in rows:
                    pipeline.hgetall(keys.job_key(job_id))
                jobs = [Job.from_hash(fields) for fields in pipeline.execute() if fields]
            found += [job for job in jobs if status in (None, job.status)]  # one may have changed meanwhile
            below = f"({rows[-1][1]}"
        return found

    def without_record(self, job_ids: Collection[str]) -> set[str]:
        """Those of the jobs that are not there, or not any more."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.exists(keys.job_key(job_id))
            return {job_id for job_id, is_there in zip(job_ids, pipeline.execute(), strict=True) if not is_there}

    def deleted_ids(self) -> set[str]:
        """The deleted jobs whose files are still to be removed."""
        return self._redis.smembers(keys.FILES)  # type: ignore[return-value]

    def ended_ids(self, before_s: float) -> list[str]:
        """The jobs that ended more than `before_s` seconds ago; none when that is infinite."""
        return self._until(keys.ENDED, max(0, self._now_ms() - before_s * 1000))

    def publishing_ids(self) -> list[str]:
        """The jobs whose publication was begun longer ago than a lease lasts: whoever began it is gone or frozen."""
        return self._until(keys.PUBLISHING, self._now_ms() - self._lease_ms)

    def queued_ids(self, kind: JobKind) -> list[str]:
        """The queued jobs of a kind, oldest first, all as they were at one moment."""
        queued, imports = self._at_one_moment(keys.jobs_with(JobStatus.QUEUED), keys.IMPORTS)
        if kind == "import":
            return imports
        apart = set(imports)
        return [job_id for job_id in queued if job_id not in apart]

    def alive(self) -> list[Job]:
        """The jobs that had not ended at one moment, each as it is a little later."""
        statuses = [keys.jobs_with(status) for status in JobStatus if not status.is_terminal]
        job_ids = [job_id for found in self._at_one_moment(*statuses) for job_id in found]
        with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.hgetall(keys.job_key(job_id))
            return [Job.from_hash(fields) for fields in pipeline.execute() if fields]

    def figures(self) -> JobFigures:
        """What has happened to jobs, and how many there are."""
        return JobFigures.read(self._redis)

    def importing(self, upload: str) -> list[str]:
        """The jobs that import an upload and have not ended."""
        specs = {job.id: job.spec for job in self.alive()}
        return [job_id for job_id, spec in specs.items() if isinstance(spec, ImportSpec) and spec.upload == upload]

    def kept_runs(self, job_ids: Iterable[str]) -> dict[str, KeptRun | None]:
        """What the records of some jobs say of their files, by id; None of a job that has no record."""
        ids = list(job_ids)
        with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hmget(keys.job_key(job_id), "status", "attempt", "saved")
            answers: list[list[str | None]] = pipeline.execute()
        return {
            job_id: KeptRun(JobStatus(status).is_terminal, int(attempt or 0), saved or "") if status else None
            for job_id, (status, attempt, saved) in zip(ids, answers, strict=True)
        }

    def ping(self) -> None:
        """Raise RedisError unless Redis answers."""
        self._redis.ping()

    def _at_one_moment(self, *indexes: str) -> list[list[str]]:
        """All that is in each of some indexes, oldest first: a job that moves on meanwhile is in one of them."""
        with self._redis.pipeline(transaction=True) as pipeline:
            for index in indexes:
                pipeline.zrange(index, 0, -1)
            found: list[list[str]] = pipeline.execute()
        return found

    def _now_ms(self) -> int:
        seconds, microseconds = self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def _until(self, index: str, now_ms: float) -> list[str]:
        ids: list[str] = self._redis.zrangebyscore(index, 0, now_ms)  # type: ignore[assignment]
        return ids


def _jobs_with(status: JobStatus, caller: str | None) -> str:
    return keys.jobs_with(status) if caller is None else keys.jobs_of(caller, status)
