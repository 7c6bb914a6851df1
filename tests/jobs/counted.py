"""What the counters of jobs should be, worked out from records and events alone, beside what they are."""

import json
from collections import Counter
from typing import Any

from redis import Redis

from jobs import keys
from jobs.figures import JobFigures
from jobs.record import Job, JobStatus

Key = tuple[str, str, str]  # counter, kind, by


def disagreements(redis: "Redis") -> list[str]:
    """Each counter that is not what records, events and lists say, of a store that stands still.

    Events tell of waits and pauses, so these are compared where no job was deleted and no stream was cut. Of strikes
    only those that lost an attempt can be told from events.
    """
    figures = JobFigures.read(redis)
    found: Counter[Key] = Counter({key: value for key, value in figures.counters.items() if value})
    should, told = Counter[Key](), Counter[Key]()
    statuses = Counter[JobStatus]()
    job_ids: list[str] = redis.zrange(keys.JOBS, 0, -1)  # type: ignore[assignment]
    for job_id in job_ids:
        fields: dict[str, str] = redis.hgetall(keys.job_key(job_id))  # type: ignore[assignment]
        job = Job.from_hash(fields)
        kind = job.spec.kind
        statuses[job.status] += 1
        should["created", kind, ""] += 1
        should["claimed", kind, ""] += job.attempt
        should["spent_ms", kind, ""] += int(fields["spent_ms"])
        if job.status.is_terminal:
            should["ended", kind, _end(job)] += 1
        told += _told(redis, job)
    for (name, kind, by), value in figures.counters.items():
        if name == "deleted":
            should["ended", kind, by] += value
            should["created", kind, ""] += value
        elif name.startswith("deleted_"):
            should[name.removeprefix("deleted_"), kind, ""] += value
    compared = Counter({key: value for key, value in found.items() if key[0] in ("claimed", "spent_ms", "ended")})
    for kind in ("train", "import"):
        compared["created", kind, ""] = found["queued", kind, "created"]
    if not figures.of("deleted"):
        should += told
        compared += Counter({key: value for key, value in found.items() if key[0] in ("queued", "paused")})
    wrong = [
        f"{':'.join(filter(None, key))}: counted {compared[key]}, records say {should[key]}"
        for key in sorted(should.keys() | compared.keys())
        if should[key] != compared[key]
    ]
    for kind in ("train", "import"):
        lost = sum(number for (_, of, by), number in told.items() if of == kind and by.endswith(" lost"))
        if found["strikes", kind, ""] < lost:
            wrong.append(f"strikes:{kind}: counted {found['strikes', kind, '']}, events tell of {lost}")
    wrong += [
        f"{status}: {figures.jobs[status]} are listed, records say {statuses[status]}"
        for status in JobStatus
        if figures.jobs[status] != statuses[status]
    ]
    return wrong


def _end(job: Job) -> str:
    return f"failed:{job.error.type}" if job.status is JobStatus.FAILED and job.error else job.status.value


def _told(redis: "Redis", job: Job) -> Counter[Key]:
    """What the events of a job tell of it."""
    rows: Any = redis.xrange(keys.events_key(job.id))
    told, kind = Counter[Key](), job.spec.kind
    for _, event in rows:
        if event["type"] == "queued":
            told["queued", kind, json.loads(event["data"])["reason"]] += 1
        elif event["type"] == "paused":
            told["paused", kind, ""] += 1
    return told
