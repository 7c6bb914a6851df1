"""Jobs in the states that tests begin with, and what the store has in Redis of them."""

import json
import time
from typing import Any

from redis import Redis

from core.import_options import ImportOptions
from core.recipe import PRESETS
from jobs.record import Claim, ImportProgress, ImportSpec, JobError, JobProgress, JobSpec, Publication, TrainSpec
from jobs.store import JobStore

SPEC = TrainSpec(preset="smoke", recipe=PRESETS["smoke"], publish="auto")
IMPORT = ImportSpec(
    name="icons", options=ImportOptions(size=32), upload="a" * 32, file="icons.zip", bytes=1000, sha256="b" * 64
)
PUBLICATION = Publication(active=False, reason="worse")
MODEL = "0123456789abcdef"
DATASET = "0f1e2d3c4b5a6978"
ERROR = JobError(type="oom", detail="too large", retryable=True)
PROGRESS = JobProgress(
    epoch=1, epochs=2, step=3, total_steps=16, kimg=0.2, images_per_s=100.0, eta_s=8.3, losses={"loss_d": 1.3}
)
READING = ImportProgress(phase="reading", done=3, total=16, problems=1)


def claimed(store: JobStore, spec: JobSpec = SPEC) -> Claim:
    claim = store.claim(store.create(spec).job.id)
    assert claim is not None
    return claim


def committed(store: JobStore) -> Claim:
    claim = claimed(store)
    assert store.commit(claim, MODEL) == "ok"
    return claim


def claimed_again(store: JobStore, job_id: str) -> Claim:
    claim = store.claim(job_id)
    assert claim is not None
    return claim


def events(redis: Redis, job_id: str) -> list[tuple[str, dict[str, Any]]]:
    rows: Any = redis.xrange(f"digitforge:events:{job_id}")
    return [(fields["type"], json.loads(fields["data"])) for _, fields in rows]


def indexes(redis: Redis, job_id: str) -> tuple[bool, bool]:
    """Whether the job is in the index of queued jobs, and whether it has a lease."""
    return (
        redis.zscore("digitforge:queued", job_id) is not None,
        redis.zscore("digitforge:leases", job_id) is not None,
    )


def expire(redis: Redis, claim: Claim) -> None:
    redis.zadd("digitforge:leases", {claim.job.id: 1})


def wait_for_uptime(redis: Redis, seconds: float) -> None:
    """The sweeper does nothing before Redis has been up for a lease."""
    while redis.info("server")["uptime_in_seconds"] < seconds:
        time.sleep(0.1)


class ForgetfulStore(JobStore):
    """The first answer to each script is lost, and the client sends it again, perhaps after something happened."""

    def between(self) -> object: ...

    def _run(self, *arguments: Any, **keywords: Any) -> str:
        super()._run(*arguments, **keywords)
        self.between()
        return super()._run(*arguments, **keywords)
