"""The job store: the only place that knows Redis keys.

    <prefix>job:<id>     hash, the record
    <prefix>events:<id>  stream, what has become of it: see jobs/feed.py
    <prefix>jobs         zset, all job ids by creation time
    <prefix>queued       zset, the queued ones by creation time
    <prefix>leases       zset, the running ones by the end of their lease
    <prefix>publishing   zset, those whose model is on the shelf but not yet published, by the time of their commit
    <prefix>ended        zset, those that have ended, by that time
    <prefix>durations    list, how long the last succeeded jobs ran, in ms
    <prefix>files        set, deleted jobs whose files are still to be removed
    <prefix>key:<key>    hash, what was first asked with an Idempotency-Key; it expires

Every transition is one Lua script in `jobs/scripts/`: guard first, write last, idempotent for the same caller, with
Redis' own time. So no client's clock, crash or repeated call can bring a record into a state that is not in the table.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from math import ceil
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple, Self

from redis import Redis, ResponseError
from redis.backoff import ExponentialBackoff
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from core.errors import IdempotencyKeyReused, JobNotFound, JobStateConflict, LeaseLost, QueueFull
from core.settings import Settings
from jobs.record import Claim, DeviceMemory, Job, JobError, JobProgress, JobSpec, JobStatus, News, Publication

MAX_STRIKES = 3
SCAN_PAGE = 200
KEY_KEPT_S = 24 * 3600
GUESSED_JOB_S = 60.0  # until one was measured
SYNC_WAITS, SYNC_WAIT_MS = 5, 500  # Redis syncs its log every second; one wait is shorter than the socket's time-out
PREFIX = "digitforge:"


def connect(url: str) -> "Redis":
    """A client with short time-outs and one retry: scripts may run twice, callers may not wait for long."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), retries=1),
        health_check_interval=15,
    )


class Created(NamedTuple):
    """A job as it was when it was created, and whether that was by an earlier request with the same key."""

    job: Job
    replayed: bool


class JobStore:
    """Records and transitions of jobs. Every method may raise redis' RedisError."""

    def __init__(self, redis: "Redis", lease_s: float, max_queued: int = 100, prefix: str = PREFIX) -> None:
        self._redis = redis
        self._lease_ms = int(lease_s * 1000)
        self._max_queued = max_queued
        self._prefix = prefix
        names = ("jobs", "queued", "leases", "publishing", "ended", "durations")
        self._indexes = [f"{prefix}{name}" for name in names]
        self._jobs, self._queued, self._leases, self._publishing, self._ended, self._durations = self._indexes
        self._files = f"{prefix}files"

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The store of this deployment."""
        return cls(connect(settings.redis_url), settings.lease_s, settings.max_queued)

    def create(self, spec: JobSpec, idempotency_key: str | None = None) -> Created:
        """None -> queued. On disk when this returns, where the server can tell (Redis 7.2 and newer).

        With a key that was used before in the last 24 hours it creates nothing, and answers what it did then, unless
        that job was deleted. Raises IdempotencyKeyReused when that was another spec, and QueueFull.
        """
        job_id, asked = secrets.token_hex(8), spec.model_dump_json()
        digest, kept = sha256(asked.encode()).hexdigest(), KEY_KEPT_S if idempotency_key else 0
        key = f"{self._prefix}key:{idempotency_key or ''}"
        pool = self._redis.connection_pool
        with Redis(
            connection_pool=pool, single_connection_client=True
        ) as connection:  # WAITAOF waits for its own writes
            arguments = (job_id, asked, self._max_queued, digest, kept)
            match self._run("create", *arguments, more_keys=[key], redis=connection).split():
                case ["full"]:
                    raise QueueFull(self._max_queued, self._seconds_to_a_place())
                case ["reused"]:
                    raise IdempotencyKeyReused(f"the key {idempotency_key!r} was used for another request")
                case ["replayed", first_id, created_us]:
                    return Created(_as_created(first_id, asked, created_us), replayed=True)
            _wait_for_disk(connection)
        return Created(self.get(job_id), replayed=False)

    def get(self, job_id: str) -> Job:
        """The record of a job. Raises JobNotFound."""
        fields: dict[str, str] = self._redis.hgetall(self._key(job_id))  # type: ignore[assignment]
        if not fields:
            raise JobNotFound(f"no job {job_id!r}")
        return _to_job(fields)

    def page(self, limit: int, after: str | None = None, status: JobStatus | None = None) -> list[Job]:
        """Up to `limit` jobs, newest first, those older than the job `after`. Raises JobNotFound for `after`."""
        start = 0
        if after is not None:
            rank = self._redis.zrevrank(self._jobs, after)
            if rank is None:
                raise JobNotFound(f"no job {after!r}")
            start = int(rank) + 1  # type: ignore[arg-type]
        found: list[Job] = []
        while len(found) < limit:
            ids: list[str] = self._redis.zrevrange(self._jobs, start, start + SCAN_PAGE - 1)  # type: ignore[assignment]
            if not ids:
                break
            with self._redis.pipeline(transaction=False) as pipeline:
                for job_id in ids:
                    pipeline.hgetall(self._key(job_id))
                jobs = [_to_job(fields) for fields in pipeline.execute() if fields]
            found += [job for job in jobs if status is None or job.status is status]
            start += SCAN_PAGE
        return found[:limit]

    def claim(self, job_id: str) -> Claim | None:
        """Queued -> running. None when the job is not queued: a doubled message, or a job that has ended."""
        owner = secrets.token_hex(8)
        if self._run("claim", job_id, owner, self._lease_ms) != "ok":
            return None
        return Claim(job=self.get(job_id), owner=owner)

    def claim_oldest(self) -> Claim | None:
        """Claim the queued job that was created first. None when none is queued."""
        claims = (self.claim(job_id) for job_id in self.queued_ids())
        return next((claim for claim in claims if claim is not None), None)

    def beat(
        self,
        claim: Claim,
        *,
        device: str | None = None,
        progress: JobProgress | None = None,
        checkpointed: bool = False,
        news: Sequence[News] = (),
    ) -> str:
        """Renew the lease, save the progress and tell the news; answers `ok`, `cancel`, `pause` or `lost`.

        News that were told already, by a call whose answer was lost, are not told again.
        """
        fields: dict[str, str] = {}
        if device is not None:
            fields["device"] = device
        if progress is not None:
            fields["progress"] = progress.model_dump_json()
        flat_news = [part for piece in news for part in piece]
        arguments = [claim.owner, self._lease_ms, int(checkpointed), 2 * len(fields), *_flat(fields), *flat_news]
        return self._run("beat", claim.job.id, *arguments)

    def commit(self, claim: Claim, model_id: str) -> str:
        """Running -> publishing, with the model on the shelf: the job can only succeed now.

        Answers `ok`, or `cancel` when that was asked for before. Raises LeaseLost.
        """
        answer = self._run("commit", claim.job.id, claim.owner, model_id)
        if answer == "lost":
            raise _lost(claim)
        return answer

    def publish(self, job_id: str, model_id: str, publication: Publication) -> None:
        """Publishing -> succeeded, by whoever carried the publication out. Raises LeaseLost."""
        if self._run("publish", job_id, model_id, publication.model_dump_json()) != "ok":
            raise LeaseLost(f"job {job_id} does not publish {model_id}")

    def fail(self, claim: Claim, error: JobError) -> None:
        """Running -> failed. Raises LeaseLost."""
        self._finish(claim, JobStatus.FAILED, {"error": error.model_dump_json()})

    def acknowledge_cancel(self, claim: Claim, memory: DeviceMemory | None = None) -> None:
        """Running -> cancelled, by the owner. Raises LeaseLost."""
        self._finish(claim, JobStatus.CANCELLED, {"memory": memory.model_dump_json()} if memory else {})

    def release(self, claim: Claim) -> JobStatus:
        """Running -> queued without a strike, or paused or cancelled where that was asked for. Raises LeaseLost."""
        status = self._run("release", claim.job.id, claim.owner)
        if status == "lost":
            raise _lost(claim)
        return JobStatus(status)

    def strike(self, claim: Claim, error: JobError) -> JobStatus:
        """Running -> queued because its trainer died; to failed with `error` when it did so too often.

        Three strikes without a checkpoint between them are too many. Where a cancel was asked for, that is what the job
        comes to; where a pause was, it does unless it fails. Raises LeaseLost.
        """
        status = self._run("strike", claim.job.id, claim.owner, MAX_STRIKES, error.model_dump_json())
        if status == "lost":
            raise _lost(claim)
        return JobStatus(status)

    def cancel(self, job_id: str) -> Job:
        """Cancel now, or ask the owner to. Raises JobNotFound, and JobStateConflict when it ended otherwise."""
        allowed = {JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.RUNNING, JobStatus.CANCELLED}
        return self._request("cancel", job_id, {status.value for status in allowed})

    def pause(self, job_id: str) -> Job:
        """Pause now, or ask the owner to. Raises JobNotFound and JobStateConflict."""
        allowed = {JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.RUNNING}
        return self._request("pause", job_id, {status.value for status in allowed})

    def resume(self, job_id: str) -> Job:
        """Paused -> queued, or take back a pause that was not carried out yet. Raises JobNotFound, JobStateConflict."""
        return self._request("resume", job_id, {"paused", "queued", "pausing"}, secrets.token_hex(8))

    def sweep(self) -> dict[str, str]:
        """Take expired leases away; the new status of each job touched.

        Does nothing within one lease of a start of Redis, because the owners had no chance to renew theirs.
        """
        info: dict[str, Any] = self._redis.info("server")
        if info["uptime_in_seconds"] * 1000 < self._lease_ms:
            return {}
        error = JobError(
            type="worker-lost",
            detail=f"{MAX_STRIKES} workers vanished while they ran this job, none of them after a new checkpoint",
            retryable=True,
        )
        expired = self._until(self._leases, self._now_ms())
        swept = {job_id: self._run("strike", job_id, "", MAX_STRIKES, error.model_dump_json()) for job_id in expired}
        return {job_id: status for job_id, status in swept.items() if status != "kept"}

    def delete(self, job_id: str) -> None:
        """An ended job -> none; its files are to be removed. Raises JobNotFound and JobStateConflict.

        Said again before the files are gone, it changes nothing.
        """
        self._insist("delete", job_id, {"succeeded", "failed", "cancelled", "deleted"}, more_keys=[self._files])

    def deleted_ids(self) -> set[str]:
        """The deleted jobs whose files are still to be removed."""
        return self._redis.smembers(self._files)  # type: ignore[return-value]

    def forget(self, job_id: str) -> None:
        """The files of a deleted job are gone."""
        self._redis.srem(self._files, job_id)

    def ended_ids(self, before_s: float) -> list[str]:
        """The jobs that ended more than `before_s` seconds ago; none when that is infinite."""
        return self._until(self._ended, max(0, self._now_ms() - before_s * 1000))

    def publishing_ids(self) -> list[str]:
        """The jobs whose publication was begun longer ago than a lease lasts: whoever began it is gone or frozen."""
        return self._until(self._publishing, self._now_ms() - self._lease_ms)

    def queued_ids(self) -> list[str]:
        """The queued jobs, oldest first."""
        return self._redis.zrange(self._queued, 0, -1)  # type: ignore[return-value]

    def ping(self) -> None:
        """Raise RedisError unless Redis answers."""
        self._redis.ping()

    def _request(self, script: str, job_id: str, allowed: set[str], *arguments: str) -> Job:
        self._insist(script, job_id, allowed, *arguments)
        return self.get(job_id)

    def _insist(
        self, script: str, job_id: str, allowed: set[str], *arguments: str, more_keys: Sequence[str] = ()
    ) -> None:
        found = self._run(script, job_id, *arguments, more_keys=more_keys)
        if not found:
            raise JobNotFound(f"no job {job_id!r}")
        if found not in allowed:
            raise JobStateConflict(f"cannot {script} job {job_id}: it is {found}")

    def _finish(self, claim: Claim, status: JobStatus, fields: dict[str, str]) -> None:
        if self._run("finish", claim.job.id, claim.owner, status.value, *_flat(fields)) != "ok":
            raise _lost(claim)

    def _seconds_to_a_place(self) -> int:
        """When a waiting job may be expected to begin: how long jobs took of late, over those that run at once."""
        measured: list[str] = self._redis.lrange(self._durations, 0, -1)  # type: ignore[assignment]
        usual_s = mean(int(ms) for ms in measured) / 1000 if measured else GUESSED_JOB_S
        running: int = self._redis.zcard(self._leases)
        return max(1, ceil(usual_s / max(1, running)))

    def _now_ms(self) -> int:
        seconds, microseconds = self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def _until(self, index: str, now_ms: float) -> list[str]:
        ids: list[str] = self._redis.zrangebyscore(index, 0, now_ms)  # type: ignore[assignment]
        return ids

    def _key(self, job_id: str) -> str:
        return f"{self._prefix}job:{job_id}"

    def _run(
        self,
        script: str,
        job_id: str,
        *arguments: str | int,
        more_keys: Sequence[str] = (),
        redis: "Redis | None" = None,
    ) -> str:
        keys = [self._key(job_id), events_key(job_id, self._prefix), *self._indexes, *more_keys]
        answer: str = (redis or self._redis).register_script(_script(script))(keys=keys, args=[job_id, *arguments])
        return answer


def events_key(job_id: str, prefix: str = PREFIX) -> str:
    """The key of a job's events."""
    return f"{prefix}events:{job_id}"


@cache
def _script(name: str) -> str:
    folder = Path(__file__).parent / "scripts"
    return "".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name))


def _wait_for_disk(connection: "Redis") -> None:
    """Wait until what this connection wrote is in Redis' log on disk. A server that cannot tell is believed."""
    for _ in range(SYNC_WAITS):
        try:
            synced, _ = connection.waitaof(1, 0, SYNC_WAIT_MS)
        except ResponseError:  # older than 7.2, or without a log
            return
        if synced:
            return
    raise RedisTimeout("Redis did not sync its log in time")


def _lost(claim: Claim) -> LeaseLost:
    return LeaseLost(f"job {claim.job.id} is no longer owned by {claim.owner}")


def _flat(fields: dict[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]


def _as_created(job_id: str, spec: str, created_us: str) -> Job:
    """A job as it was when it was created, whatever has become of it."""
    created = {"id": job_id, "spec": spec, "created_us": created_us}
    return _to_job({**created, "status": JobStatus.QUEUED, "attempt": "0", "request": "", "event": ""})


def _to_job(fields: dict[str, str]) -> Job:
    return Job.model_validate(
        {
            "id": fields["id"],
            "status": fields["status"],
            "spec": JobSpec.model_validate_json(fields["spec"]),
            "attempt": fields["attempt"],
            "request": fields["request"] or None,
            "created_at": _to_time(int(fields["created_us"]) // 1000),
            "started_at": _to_time(fields["started_ms"]) if "started_ms" in fields else None,
            "finished_at": _to_time(fields["finished_ms"]) if "finished_ms" in fields else None,
            "device": fields.get("device"),
            "progress": JobProgress.model_validate_json(fields["progress"]) if "progress" in fields else None,
            "error": JobError.model_validate_json(fields["error"]) if "error" in fields else None,
            "model_id": fields.get("model_id"),
            "memory": DeviceMemory.model_validate_json(fields["memory"]) if "memory" in fields else None,
            "event": fields["event"],
            "publication": Publication.model_validate_json(fields["publication"]) if "publication" in fields else None,
        }
    )


def _to_time(milliseconds: str | int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
