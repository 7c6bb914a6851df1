"""The job store: the only place that knows Redis keys.

    <prefix>job:<id>   hash, the record
    <prefix>jobs       zset, all job ids by creation time
    <prefix>queued     zset, the queued ones by creation time
    <prefix>leases     zset, the running ones by the end of their lease

Every transition is one Lua script in `core/scripts/`: guard first, write last, idempotent for the same caller, with
Redis' own time. So no client's clock, crash or repeated call can bring a record into a state that is not in the table.
"""

import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from core.errors import JobNotFound, JobStateConflict, LeaseLost
from core.jobs import Claim, Job, JobError, JobProgress, JobSpec, JobStatus, Publication

MAX_STRIKES = 3
SCAN_PAGE = 200


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


class JobStore:
    """Records and transitions of jobs. Every method may raise redis' RedisError."""

    def __init__(self, redis: "Redis", lease_s: float, prefix: str = "digitforge:") -> None:
        self._redis = redis
        self._lease_ms = int(lease_s * 1000)
        self._prefix = prefix
        self._jobs, self._queued, self._leases = f"{prefix}jobs", f"{prefix}queued", f"{prefix}leases"

    def create(self, spec: JobSpec) -> Job:
        """None -> queued."""
        job_id = secrets.token_hex(8)
        self._run("create", [self._key(job_id), self._jobs, self._queued], job_id, spec.model_dump_json())
        return self.get(job_id)

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
        keys = [self._key(job_id), self._queued, self._leases]
        if self._run("claim", keys, job_id, owner, self._lease_ms) != "ok":
            return None
        return Claim(job=self.get(job_id), owner=owner)

    def beat(
        self,
        claim: Claim,
        *,
        device: str | None = None,
        progress: JobProgress | None = None,
        checkpointed: bool = False,
    ) -> str:
        """Renew the lease and save the progress; answers `ok`, `cancel`, `pause` or `lost`."""
        fields: dict[str, str] = {}
        if device is not None:
            fields["device"] = device
        if progress is not None:
            fields["progress"] = progress.model_dump_json()
        keys = [self._key(claim.job.id), self._leases]
        return self._run("beat", keys, claim.job.id, claim.owner, self._lease_ms, int(checkpointed), *_flat(fields))

    def succeed(self, claim: Claim, model_id: str, publication: Publication) -> None:
        """Running -> succeeded. Raises LeaseLost."""
        fields = {"model_id": model_id, "publication": publication.model_dump_json()}
        self._finish(claim, JobStatus.SUCCEEDED, fields)

    def fail(self, claim: Claim, error: JobError) -> None:
        """Running -> failed. Raises LeaseLost."""
        self._finish(claim, JobStatus.FAILED, {"error": error.model_dump_json()})

    def acknowledge_cancel(self, claim: Claim) -> None:
        """Running -> cancelled, by the owner. Raises LeaseLost."""
        self._finish(claim, JobStatus.CANCELLED, {})

    def release(self, claim: Claim) -> JobStatus:
        """Running -> queued without a strike, or paused or cancelled where that was asked for. Raises LeaseLost."""
        keys = [self._key(claim.job.id), self._queued, self._leases]
        status = self._run("release", keys, claim.job.id, claim.owner)
        if status == "lost":
            raise LeaseLost(f"job {claim.job.id} is no longer owned by {claim.owner}")
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
        return self._request("resume", job_id, {"paused", "queued", "pausing"})

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
        seconds, microseconds = self._redis.time()
        now = seconds * 1000 + microseconds // 1000
        expired: list[str] = self._redis.zrangebyscore(self._leases, 0, now)  # type: ignore[assignment]
        swept = {}
        for job_id in expired:
            keys = [self._key(job_id), self._queued, self._leases]
            swept[job_id] = self._run("sweep", keys, job_id, MAX_STRIKES, error.model_dump_json())
        return {job_id: status for job_id, status in swept.items() if status != "kept"}

    def queued_ids(self) -> list[str]:
        """The queued jobs, oldest first."""
        return self._redis.zrange(self._queued, 0, -1)  # type: ignore[return-value]

    def ping(self) -> None:
        """Raise RedisError unless Redis answers."""
        self._redis.ping()

    def _request(self, script: str, job_id: str, allowed: set[str]) -> Job:
        found = self._run(script, [self._key(job_id), self._queued], job_id)
        if not found:
            raise JobNotFound(f"no job {job_id!r}")
        if found not in allowed:
            raise JobStateConflict(f"cannot {script} job {job_id}: it is {found}")
        return self.get(job_id)

    def _finish(self, claim: Claim, status: JobStatus, fields: dict[str, str]) -> None:
        keys = [self._key(claim.job.id), self._leases]
        if self._run("finish", keys, claim.job.id, claim.owner, status.value, *_flat(fields)) != "ok":
            raise LeaseLost(f"job {claim.job.id} is no longer owned by {claim.owner}")

    def _key(self, job_id: str) -> str:
        return f"{self._prefix}job:{job_id}"

    def _run(self, name: str, keys: list[str], *arguments: str | int) -> str:
        answer: str = self._redis.register_script(_script(name))(keys=keys, args=list(arguments))
        return answer


@cache
def _script(name: str) -> str:
    return (Path(__file__).parent / "scripts" / f"{name}.lua").read_text(encoding="utf-8")


def _flat(fields: dict[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]


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
            "publication": Publication.model_validate_json(fields["publication"]) if "publication" in fields else None,
        }
    )


def _to_time(milliseconds: str | int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
