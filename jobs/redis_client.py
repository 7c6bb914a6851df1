"""How the job store speaks to Redis: its time-outs, and what it means to be on disk."""

from redis import Redis, ResponseError
from redis.backoff import ExponentialBackoff
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

SYNC_WAITS, SYNC_WAIT_MS = 5, 500  # Redis syncs its log every second; one wait is shorter than the socket's time-out


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


def wait_for_disk(connection: "Redis") -> None:
    """Wait until what this connection wrote is in Redis' log on disk. A server that cannot tell is believed."""
    for _ in range(SYNC_WAITS):
        try:
            synced, _ = connection.waitaof(1, 0, SYNC_WAIT_MS)
        except ResponseError:  # older than 7.2, or without a log
            return
        if synced:
            return
    raise RedisTimeout("Redis did not sync its log in time")
