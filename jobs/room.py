"""Whether there is room for a job: in the queue, among those of its caller, and among those that run."""

import json
from collections.abc import Sequence
from math import ceil
from statistics import mean

from pydantic import BaseModel, ConfigDict, Field
from redis import Redis

from core.access import ANYBODY_ID, Limits
from core.errors import QueueFull, QuotaExceeded
from core.vocabulary import Answer
from jobs import keys
from jobs.reader import JobReader
from jobs.record import JobKind
from jobs.scripting import run_script

GUESSED_JOB_S = 60.0  # until one was measured
GUESSED_IMPORT_S = 10.0
NO_LIMITS = Limits()


class CallerUse(BaseModel):
    """What the store knows of a caller's use, at one moment of Redis' clock."""

    model_config = ConfigDict(frozen=True)

    now_ms: int
    images: int = Field(description="Drawn today.")
    device_ms: int = Field(description="That jobs have run today, those that run included.")
    queued: int = Field(description="Jobs that wait, paused ones included.")
    running: int
    jobs_level_us: int = Field(description="Of the bucket of jobs an hour.")
    uploads_level_us: int


class JobRoom(JobReader):
    """What limits jobs. Every method may raise redis' RedisError."""

    def __init__(self, redis: "Redis", lease_s: float, max_queued: int = 100) -> None:
        super().__init__(redis, lease_s)
        self._max_queued = max_queued

    def require_room(self, kind: JobKind, caller: str = ANYBODY_ID, limits: Limits = NO_LIMITS) -> None:
        """Raise what `create` would, for who would have much to do before: QueueFull or QuotaExceeded."""
        if len(self.queued_ids(kind)) >= self._max_queued:
            raise QueueFull(self._max_queued, self._seconds_to_a_place(kind))
        match self._run("room", "", allowed(caller, limits)).split():
            case [Answer.LIMITED, name, wait_ms]:
                raise self._exceeded(name, int(wait_ms), limits, kind)

    def claimable_ids(self, kind: JobKind) -> list[str]:
        """The queued jobs of a kind, oldest first, but for those whose callers run as many as they may, or as long."""
        return self._run("claimable", "", kind).split()

    def usage(self, caller: str) -> "CallerUse":
        """What a caller has used today, and has now."""
        return CallerUse.model_validate_json(self._run("usage", "", caller))

    def _exceeded(self, name: str, wait_ms: int, limits: Limits, kind: JobKind) -> QuotaExceeded:
        """What a script's refusal says."""
        later = self._seconds_to_a_place(kind) if wait_ms < 0 else ceil(wait_ms / 1000)
        limit: int = getattr(limits, name)
        return QuotaExceeded(name, limit, later if limit else None)

    def _seconds_to_a_place(self, kind: JobKind) -> int:
        """When a waiting job may be expected to begin: how long jobs took of late, over those that run at once."""
        if kind == "import":
            return ceil(GUESSED_IMPORT_S)
        measured: list[str] = self._redis.lrange(keys.DURATIONS, 0, -1)  # type: ignore[assignment]
        usual_s = mean(int(ms) for ms in measured) / 1000 if measured else GUESSED_JOB_S
        running: int = self._redis.zcard(keys.LEASES)
        return max(1, ceil(usual_s / max(1, running)))

    def _run(self, script: str, job_id: str, *arguments: str | int, more_keys: Sequence[str] = ()) -> str:
        return run_script(self._redis, script, job_id, *arguments, more_keys=more_keys)


def allowed(caller: str, limits: Limits) -> str:
    """A caller and its limits, as scripts take them."""
    return json.dumps({"caller": caller, **limits.model_dump(exclude_none=True)})
