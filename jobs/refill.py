"""A Redis filled from a snapshot: see `jobs/snapshot.py`.

What ran when it was taken is given back to the queue by the same script as when a worker drains, so that record, lists,
events and counters agree; a pause or a cancel that was asked for is carried out. All else is as it was.
"""

from collections.abc import Callable, Iterable
from typing import Any

from redis import Redis

from core.errors import StartError
from core.schema import RESTORING, SCHEMA
from jobs import keys
from jobs.record import JobStatus
from jobs.redis_client import wait_for_disk
from jobs.schema import note
from jobs.scripting import run_script
from jobs.snapshot import AT_ONCE, Entry

PIPELINED = 2000  # commands; the Redis of `up` syncs its log once for them

WRITE: dict[str, Callable[[Any, str, Any], object]] = {
    "string": lambda redis, key, value: redis.set(key, value),
    "hash": lambda redis, key, value: redis.hset(key, mapping=value),
    "list": lambda redis, key, value: redis.rpush(key, *value),
    "set": lambda redis, key, value: redis.sadd(key, *value),
    "zset": lambda redis, key, value: redis.zadd(key, dict(value)),
    "stream": lambda redis, key, value: [redis.xadd(key, fields, id=event_id) for event_id, fields in value],
}


def require_empty(redis: "Redis", where: str) -> None:
    """Raise StartError where there are keys of digitforge; what a restore left that did not end is removed."""
    found = redis.get(keys.SCHEMA_KEY)
    if found == RESTORING:
        clear(redis)
    some = next(iter(redis.scan_iter(match=f"{keys.PREFIX}*", count=AT_ONCE)), None)
    if some is not None:
        raise StartError(f"{where}: holds keys of digitforge already, such as {some}; allowed: a Redis without any")


def refill(redis: "Redis", entries: Iterable[Entry], taken_ms: int) -> list[str]:
    """Write all entries, and give back what ran; the ids of those jobs. `complete` is to follow.

    Raises ValueError for an entry that no snapshot has, and redis' RedisError.
    """
    note(redis, RESTORING)
    with redis.pipeline(transaction=False) as pipeline:
        for entry in entries:
            if not entry.key.startswith(keys.PREFIX) or entry.kind not in WRITE:
                raise ValueError(f"no entry of a snapshot: {entry.kind} {entry.key!r}")
            WRITE[entry.kind](pipeline, entry.key, entry.value)
            if entry.expires_ms is not None:
                pipeline.pexpireat(entry.key, entry.expires_ms)
            if len(pipeline) >= PIPELINED:
                pipeline.execute()
        pipeline.execute()
    return _give_back(redis, taken_ms)


def complete(redis: "Redis") -> None:
    """Let services start on it. On disk when this returns, where the server can tell."""
    pool = redis.connection_pool
    with Redis(connection_pool=pool, single_connection_client=True) as connection:
        note(connection, str(SCHEMA))
        wait_for_disk(connection)


def clear(redis: "Redis") -> None:
    """Remove all keys of digitforge; the one that says that a restore is under way goes last."""
    for key in redis.scan_iter(match=f"{keys.PREFIX}*", count=AT_ONCE):
        if key != keys.SCHEMA_KEY:
            redis.delete(key)
    redis.delete(keys.SCHEMA_KEY)


def _give_back(redis: "Redis", taken_ms: int) -> list[str]:
    """Running -> queued, but for what is committed: that is published by the first worker that starts."""
    seconds, microseconds = redis.time()
    passed_ms = int(seconds) * 1000 + int(microseconds) // 1000 - taken_ms
    running: Any = redis.zrange(keys.jobs_with(JobStatus.RUNNING), 0, -1)
    given_back: list[str] = []
    for job_id in running:
        record: Any = redis.hgetall(keys.job_key(job_id))
        if record.get("model_id") or record.get("dataset"):
            continue
        redis.hincrby(keys.job_key(job_id), "claimed_ms", passed_ms)  # nothing ran since the snapshot
        run_script(redis, "release", job_id, record["owner"])
        given_back.append(job_id)
    return given_back
