"""All that digitforge has in Redis as it was at one moment, key by key; `jobs/refill.py` puts it into another one.

Written as what it means and not as Redis' own dump, which only a server of the same version or a newer one reads.

Jobs that have not ended, the lists of jobs, counters, keys and all else that is small are read in one transaction. The
records of ended jobs never change, and a stream of events is read up to the event that its record names, so both may be
read after that. Where a job is deleted meanwhile, or a new one comes between the look and the transaction, the snapshot
is taken again. Memory grows with the number of jobs, by some hundred bytes each, and not with their events.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from redis import Redis

from core.access import ANYBODY_ID
from jobs import keys
from jobs.record import JobStatus

T = TypeVar("T")

AT_ONCE = 1000  # members, fields or events of an entry
JOBS_AT_ONCE = 100
TIME_OUT_S = 60.0
OWN_WAY = (keys.job_key(""), keys.events_key(""), keys.IDEMPOTENCY)
LEFT_OUT = {keys.LEASES, keys.SCHEMA_KEY}  # of workers that are not there any more; the reader's own
LEFT_OUT_PREFIX = f"{keys.PREFIX}worker"  # they tell of themselves

READ: dict[str, Callable[[Any, str], object]] = {
    "string": lambda redis, key: redis.get(key),
    "hash": lambda redis, key: redis.hgetall(key),
    "list": lambda redis, key: redis.lrange(key, 0, -1),
    "set": lambda redis, key: redis.smembers(key),
    "zset": lambda redis, key: redis.zrange(key, 0, -1, withscores=True),
    "stream": lambda redis, key: redis.xrange(key),
}


class Moved(Exception):
    """Something changed meanwhile that is not to: the snapshot is to be taken again."""


class Entry(NamedTuple):
    """A key, or a part of its members where there are many; what `value` is depends on the kind."""

    key: str
    kind: str  # one of READ
    value: Any  # string: text; hash: texts by name; list, set: texts; zset: [member, score]; stream: [id, fields]
    expires_ms: int | None = None  # since 1970, of a key that does


class Snapshot(NamedTuple):
    """What was written down."""

    taken_ms: int  # since 1970, by the clock of Redis
    attempts: dict[str, int]  # of each job
    uploads: set[str]  # that imports are yet to read


def open_for_snapshots(url: str) -> "Redis":
    """A client for whole keys, which gives back the bytes that it got, be they text or not."""
    return Redis.from_url(url, decode_responses=True, encoding_errors="surrogateescape", socket_timeout=TIME_OUT_S)


def take_snapshot(redis: "Redis", write: Callable[[Entry], object]) -> Snapshot:
    """Write every key down, each job after the lists that name it. Raises Moved, and redis' RedisError."""
    small = _small_keys(redis)
    known_to_have_ended = set(_ids(redis, keys.ENDED))
    others = [job_id for job_id in _ids(redis, keys.JOBS) if job_id not in known_to_have_ended]
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.time()
        for job_id in others:
            pipeline.hgetall(keys.job_key(job_id))
        for key, kind in small.items():
            READ[kind](pipeline, key)
            pipeline.pttl(key)
        (seconds, microseconds), *answers = pipeline.execute()
    taken_ms = seconds * 1000 + microseconds // 1000
    records = {job_id: record for job_id, record in zip(others, answers, strict=False) if record}
    found = dict(zip(small, _pairs(answers[len(others) :]), strict=True))

    jobs = [job_id for job_id, _ in found[keys.JOBS][0]] if keys.JOBS in found else []
    if any(job_id not in records and job_id not in known_to_have_ended for job_id in jobs):
        raise Moved("a job was created meanwhile")
    if any(_list_of_caller(record) not in (None, *small) for record in records.values()):
        raise Moved("a caller's first job of a status came meanwhile")
    for key, (value, left_ms) in found.items():
        for part in _parts(small[key], value):
            write(Entry(key, small[key], part, _expiry(taken_ms, left_ms)))

    attempts: dict[str, int] = {}
    uploads: set[str] = set()
    for some in _batches(jobs, JOBS_AT_ONCE):
        for job_id, record in _records(redis, some, records):
            attempts[job_id] = int(record["attempt"])
            if record.get("kind") == "import" and not JobStatus(record["status"]).is_terminal:
                uploads.add(json.loads(record["spec"])["upload"])
            write(Entry(keys.job_key(job_id), "hash", record))
            _write_events(redis, job_id, record.get("event"), write)
    for key in redis.scan_iter(match=f"{keys.IDEMPOTENCY}*", count=AT_ONCE):
        _write_expiring_hash(redis, key, taken_ms, write)
    return Snapshot(taken_ms, attempts, uploads)


def _small_keys(redis: "Redis") -> dict[str, str]:
    """The kinds of all keys but those of single jobs and of requests."""
    names = [
        key
        for key in redis.scan_iter(match=f"{keys.PREFIX}*", count=AT_ONCE)
        if not key.startswith((*OWN_WAY, LEFT_OUT_PREFIX)) and key not in LEFT_OUT
    ]
    with redis.pipeline(transaction=False) as pipeline:
        for key in names:
            pipeline.type(key)
        kinds = pipeline.execute()
    return {key: kind for key, kind in zip(names, kinds, strict=True) if kind != "none"}


def _ids(redis: "Redis", index: str) -> list[str]:
    ids: list[str] = redis.zrange(index, 0, -1)  # type: ignore[assignment]
    return ids


def _list_of_caller(record: dict[str, str]) -> str | None:
    """The list that a job of a caller stands in."""
    caller = record.get("caller", ANYBODY_ID)
    return None if caller == ANYBODY_ID else keys.jobs_of(caller, JobStatus(record["status"]))


def _records(
    redis: "Redis", job_ids: Sequence[str], known: dict[str, dict[str, str]]
) -> Iterator[tuple[str, dict[str, str]]]:
    with redis.pipeline(transaction=False) as pipeline:
        for job_id in job_ids:
            if job_id not in known:
                pipeline.hgetall(keys.job_key(job_id))
        read = iter(pipeline.execute())
    for job_id in job_ids:
        record = known.get(job_id) or next(read)
        if not record:
            raise Moved(f"job {job_id} was deleted meanwhile")
        yield job_id, record


def _write_events(redis: "Redis", job_id: str, last: str | None, write: Callable[[Entry], object]) -> None:
    """The events of a job up to the one that its record was changed with."""
    key, after, there_are_more = keys.events_key(job_id), "-", True
    while there_are_more:
        events: Any = redis.xrange(key, after, last or "+", count=AT_ONCE)
        there_are_more = len(events) == AT_ONCE
        if events:
            write(Entry(key, "stream", events))
            after = f"({events[-1][0]}"
    if after == "-" and last:
        raise Moved(f"job {job_id} was deleted meanwhile")


def _write_expiring_hash(redis: "Redis", key: str, now_ms: int, write: Callable[[Entry], object]) -> None:
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.hgetall(key)
        pipeline.pttl(key)
        value, left_ms = pipeline.execute()
    if value:
        write(Entry(key, "hash", value, _expiry(now_ms, left_ms)))


def _parts(kind: str, value: Any) -> Iterator[Any]:
    """A value in parts of a size that can be written and read at once; of a key that is gone none."""
    if kind in ("string", "hash"):
        yield from [value] if value else []
    else:
        yield from _batches(sorted(value) if kind == "set" else value, AT_ONCE)


def _expiry(now_ms: int, left_ms: int) -> int | None:
    return now_ms + left_ms if left_ms >= 0 else None


def _pairs(values: Iterable[Any]) -> Iterator[tuple[Any, int]]:
    each = iter(values)
    return zip(each, each, strict=True)


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    each = iter(values)
    while batch := list(islice(each, size)):
        yield batch
