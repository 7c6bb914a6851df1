"""The job store: records and transitions of jobs in Redis. `jobs/keys.py` names its keys.

Every transition is one Lua script in `jobs/scripts/`: guard first, write last, idempotent for the same caller, with
Redis' own time. So no client's clock, crash or repeated call can bring a record into a state that is not in the table.
"""

import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any, NamedTuple, Self

from redis import Redis

from core.access import Limits
from core.errors import IdempotencyKeyReused, JobNotFound, JobStateConflict, LeaseLost, QueueFull
from core.settings import Settings
from core.vocabulary import Answer, FailureKind
from jobs import keys
from jobs.record import (
    Claim,
    DeviceMemory,
    ImportProgress,
    ImportSpec,
    Job,
    JobError,
    JobKind,
    JobOrigin,
    JobProgress,
    JobSpec,
    JobStatus,
    NumberedEvent,
    Publication,
)
from jobs.redis_client import connect, wait_for_disk
from jobs.room import NO_LIMITS, JobRoom, allowed
from jobs.scripting import run_script

MAX_STRIKES = 3
KEY_KEPT_S = 24 * 3600
NOWHERE = JobOrigin()


class Created(NamedTuple):
    """A job as it was when it was created, and whether that was by an earlier request with the same key."""

    job: Job
    replayed: bool
    level_us: int = 0  # of the bucket of its caller's jobs


class JobStore(JobRoom):
    """Records and transitions of jobs. Every method may raise redis' RedisError."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The store of this deployment."""
        return cls(connect(settings.redis_url), settings.lease_s, settings.max_queued)

    def create(
        self,
        spec: JobSpec,
        idempotency_key: str | None = None,
        origin: JobOrigin = NOWHERE,
        limits: Limits = NO_LIMITS,
    ) -> Created:
        """None -> queued. On disk when this returns, where the server can tell (Redis 7.2 and newer).

        With a key that the caller has used in the last 24 hours it creates nothing, and answers what it did then,
        unless that job was deleted. Raises IdempotencyKeyReused when that was another spec, QueueFull, and
        QuotaExceeded by the limits of the caller.
        """
        job_id, asked = secrets.token_hex(8), spec.model_dump_json()
        digest, kept = sha256(spec.request().encode()).hexdigest(), KEY_KEPT_S if idempotency_key else 0
        key = keys.idempotency_key(idempotency_key or "", origin.caller)
        told = _flat(origin.fields())
        pool = self._redis.connection_pool  # of one connection, because WAITAOF waits for that one's writes
        with Redis(connection_pool=pool, single_connection_client=True) as connection:
            most: list[str | int] = [self._max_queued, digest, kept, allowed(origin.caller, limits)]
            arguments = [spec.kind, asked, *most, *told]
            answer = run_script(connection, "create", job_id, *arguments, more_keys=[key]).split()
            match answer:
                case [Answer.FULL]:
                    raise QueueFull(self._max_queued, self._seconds_to_a_place(spec.kind))
                case [Answer.LIMITED, name, wait_ms]:
                    raise self._exceeded(name, int(wait_ms), limits, spec.kind)
                case [Answer.REUSED]:
                    raise IdempotencyKeyReused(f"the key {idempotency_key!r} was used for another request")
                case [Answer.REPLAYED, first_id, created_us]:
                    return Created(self._as_created(first_id, created_us, spec, origin), replayed=True)
            wait_for_disk(connection)
        return Created(self.get(job_id), replayed=False, level_us=int(answer[1]))

    def claim(self, job_id: str) -> Claim | None:
        """Queued -> running. None when the job is not queued, or the limits of its caller forbid it.

        It is not queued after a doubled message, or when it has ended.
        """
        owner = secrets.token_hex(8)
        if self._run("claim", job_id, owner, self._lease_ms) != Answer.OK:
            return None
        return Claim(job=self.get(job_id), owner=owner)

    def claim_oldest(self, kind: JobKind) -> Claim | None:
        """Claim the job of `claimable_ids` that was created first. None when there is none."""
        claims = (self.claim(job_id) for job_id in self.claimable_ids(kind))
        return next((claim for claim in claims if claim is not None), None)

    def beat(
        self,
        claim: Claim,
        *,
        device: str | None = None,
        progress: JobProgress | ImportProgress | None = None,
        checkpointed: bool = False,
        events: Sequence[NumberedEvent] = (),
        saved: str | None = None,
    ) -> Answer:
        """Renew the lease, save the progress and tell the events; answers `ok`, `cancel`, `pause` or `lost`.

        `saved` is the key of the newest list of its run's files: with any answer but `lost` the record names it.
        Events that were told already, by a call whose answer was lost, are not told again.
        """
        fields: dict[str, str] = {}
        if device is not None:
            fields["device"] = device
        if progress is not None:
            fields["progress"] = progress.model_dump_json()
        if saved is not None:
            fields["saved"] = saved
        flat_events = [part for event in events for part in event]
        arguments = [claim.owner, self._lease_ms, int(checkpointed), 2 * len(fields), *_flat(fields), *flat_events]
        return Answer(self._run("beat", claim.job.id, *arguments))

    def commit(self, claim: Claim, product: str) -> Answer:
        """Running -> publishing, with the model on the shelf or the data set made: the job can only succeed now.

        Answers `ok`, or `cancel` when that was asked for before. Raises LeaseLost.
        """
        field = "dataset" if isinstance(claim.job.spec, ImportSpec) else "model_id"
        return Answer(self._run_as_owner("commit", claim, field, product))

    def publish(self, job_id: str, product: str, publication: Publication | None = None) -> None:
        """Publishing -> succeeded, by whoever carried the publication out. Raises LeaseLost.

        `publication` is what was decided of a model; there is none of a data set.
        """
        decided = ["publication", publication.model_dump_json()] if publication else []
        if self._run("publish", job_id, product, *decided) != Answer.OK:
            raise LeaseLost(f"job {job_id} does not publish {product}")

    def succeed(self, claim: Claim) -> Answer:
        """Running -> succeeded, of an import that was to make nothing. Answers and raises as `commit` does."""
        assert isinstance(claim.job.spec, ImportSpec)
        return Answer(self._run_as_owner("finish", claim, JobStatus.SUCCEEDED))

    def fail(self, claim: Claim, error: JobError) -> None:
        """Running -> failed. Raises LeaseLost."""
        self._run_as_owner("finish", claim, JobStatus.FAILED, "error", error.model_dump_json())

    def acknowledge_cancel(self, claim: Claim, memory: DeviceMemory | None = None) -> None:
        """Running -> cancelled, by the owner. Raises LeaseLost."""
        held = ["memory", memory.model_dump_json()] if memory else []
        self._run_as_owner("finish", claim, JobStatus.CANCELLED, *held)

    def release(self, claim: Claim) -> JobStatus:
        """Running -> queued without a strike, or paused or cancelled where that was asked for. Raises LeaseLost."""
        return JobStatus(self._run_as_owner("release", claim))

    def strike(self, claim: Claim, error: JobError) -> JobStatus:
        """Running -> queued because its trainer died; to failed with `error` when it did so too often.

        Three strikes without a checkpoint between them are too many. Where a cancel was asked for, that is what the job
        comes to; where a pause was, it does unless it fails. Raises LeaseLost.
        """
        return JobStatus(self._run_as_owner("strike", claim, MAX_STRIKES, error.model_dump_json()))

    def cancel(self, job_id: str) -> Job:
        """Cancel now, or ask the owner to. Raises JobNotFound, and JobStateConflict when it ended otherwise."""
        allowed = {JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.RUNNING, JobStatus.CANCELLED}
        self._transition_or_raise("cancel", job_id, allowed)
        return self.get(job_id)

    def pause(self, job_id: str) -> Job:
        """Pause now, or ask the owner to. Raises JobNotFound and JobStateConflict."""
        self._transition_or_raise("pause", job_id, {JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.RUNNING})
        return self.get(job_id)

    def resume(self, job_id: str) -> Job:
        """Paused -> queued, or take back a pause that was not carried out yet. Raises JobNotFound, JobStateConflict."""
        allowed = {JobStatus.PAUSED, JobStatus.QUEUED, Answer.PAUSING}
        self._transition_or_raise("resume", job_id, allowed, secrets.token_hex(8))
        return self.get(job_id)

    def note_saved(self, job_id: str, saved: str | None) -> None:
        """Let a record that no worker has name the newest list of its run's files, or none."""
        if saved is None:
            self._redis.hdel(keys.job_key(job_id), "saved")
        else:
            self._redis.hset(keys.job_key(job_id), "saved", saved)

    def deployment_id(self, proposed: str | None = None) -> str | None:
        """What Redis calls this deployment; with `proposed` that, unless it has another name already."""
        if proposed is not None:
            self._redis.set(keys.DEPLOYMENT, proposed, nx=True)
        return self._redis.get(keys.DEPLOYMENT)  # type: ignore[return-value]

    def may_collect(self, every_s: float) -> bool:
        """Whether nobody has collected the garbage of the store for so long; the caller is to do so now."""
        return bool(self._redis.set(keys.COLLECTED, "", nx=True, px=max(1, int(every_s * 1000))))

    def sweep(self) -> dict[str, str]:
        """Take expired leases away; the new status of each job touched.

        Does nothing within one lease of a start of Redis, because the owners had no chance to renew theirs.
        """
        info: dict[str, Any] = self._redis.info("server")
        if info["uptime_in_seconds"] * 1000 < self._lease_ms:
            return {}
        detail = f"{MAX_STRIKES} workers vanished while they ran this job, none of them after a new checkpoint"
        error = JobError.of(FailureKind.WORKER_LOST, detail)
        expired = self._until(keys.LEASES, self._now_ms())
        swept = {job_id: self._run("strike", job_id, "", MAX_STRIKES, error.model_dump_json()) for job_id in expired}
        return {job_id: status for job_id, status in swept.items() if status != Answer.KEPT}

    def delete(self, job_id: str) -> None:
        """An ended job -> none; its files are to be removed. Raises JobNotFound and JobStateConflict.

        Said again before the files are gone, it changes nothing.
        """
        allowed = {*(status for status in JobStatus if status.is_terminal), Answer.DELETED}
        self._transition_or_raise("delete", job_id, allowed, more_keys=[keys.FILES])

    def forget(self, job_id: str) -> None:
        """The files of a deleted job are gone."""
        self._redis.srem(keys.FILES, job_id)

    def take_back(self, job_id: str) -> None:
        """Cancel and delete a job that nobody was told of. One that runs already is only asked to end."""
        with suppress(JobNotFound, JobStateConflict):
            if self.cancel(job_id).status.is_terminal:
                self.delete(job_id)

    def _transition_or_raise(
        self,
        script: str,
        job_id: str,
        allowed: Collection[str],
        *arguments: str,
        more_keys: Sequence[str] = (),
    ) -> None:
        """Run the script of a user's call. Raises JobNotFound, and JobStateConflict unless it found what is allowed."""
        found = self._run(script, job_id, *arguments, more_keys=more_keys)
        if not found:
            raise JobNotFound(f"no job {job_id!r}")
        if found not in allowed:
            raise JobStateConflict(f"cannot {script} job {job_id}: it is {found}")

    def _as_created(self, job_id: str, created_us: str, spec: JobSpec, origin: JobOrigin) -> Job:
        """A job as it was when it was created, whatever has become of it; as it is asked for now if it is deleted."""
        fields: dict[str, str] = self._redis.hgetall(keys.job_key(job_id))  # type: ignore[assignment]
        asked = {"spec": spec.model_dump_json(), **origin.fields()}
        first = {name: fields[name] for name in (*asked, *JobOrigin._fields) if name in fields} or asked
        created = {"id": job_id, "created_us": created_us, "attempt": "0", "request": "", "event": ""}
        return Job.from_hash({**first, **created, "status": JobStatus.QUEUED})

    def _run_as_owner(self, script: str, claim: Claim, *arguments: str | int) -> str:
        answer = self._run(script, claim.job.id, claim.owner, *arguments)
        if answer == Answer.LOST:
            raise LeaseLost(f"job {claim.job.id} is no longer owned by {claim.owner}")
        return answer


def _flat(fields: dict[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]
