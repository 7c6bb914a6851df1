"""Jobs that end, time that passes, and what a receiver does with a message."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence

from redis import Redis

from core.access import ANYBODY_ID
from jobs.record import JobOrigin, JobSpec
from jobs.store import JobStore
from tests.jobs.claims import SPEC
from tests.webhooks.receiver import Received
from webhooks.store import WebhookStore

EVENTS = ("job.succeeded", "job.failed", "job.cancelled")


def cancelled(store: JobStore, caller: str = ANYBODY_ID, spec: JobSpec = SPEC) -> str:
    """The id of a job of a caller that has just ended."""
    job_id = store.create(spec, origin=JobOrigin(caller)).job.id
    store.cancel(job_id)
    return job_id


def told(webhooks: WebhookStore, job_id: str) -> list[tuple[str, int]]:
    """Status of each message about a job, and how often it was sent."""
    return [(one.status.value, len(one.tries)) for one in webhooks.deliveries(job_id)]


def let_pass(redis: Redis, seconds: float) -> None:
    """Have all that is due, held or failing by the clock of Redis be so by this much longer."""
    for key in redis.keys("digitforge:outbox*"):
        if redis.type(key) == "zset":
            members: list[str] = redis.zrange(key, 0, -1)  # type: ignore[assignment]
            for member in members:
                redis.zincrby(key, -seconds * 1000, member)
    for key in redis.keys("digitforge:webhook:*"):
        for field in ("held_ms", "failing_ms", "old_until_ms"):
            if redis.hexists(key, field):
                redis.hincrby(key, field, int(-seconds * 1000))


def verifies(request: Received, secrets: Sequence[str]) -> bool:
    """Whether a message has one signature for each secret, in their order."""
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = [
        "v1," + b64encode(hmac.new(b64decode(secret.removeprefix("whsec_")), content, "sha256").digest()).decode()
        for secret in secrets
    ]
    return request.headers["webhook-signature"].split(" ") == expected
