"""The messages that are to be sent, shared among all workers: claimed for a while, then settled.

A webhook has one request at a time, and is held for a while after a failure, longer each time. So a receiver that is
down or slow costs the others little, however many messages wait for it. Every method may raise redis' RedisError.
"""

import random
import secrets
from typing import NamedTuple

from redis import Redis

from webhooks.record import TRIES, DeliveryStatus, Try
from webhooks.scripting import run_script

LEASE_S = 120.0  # longer than to resolve a name and to send take
# Between a try and the next: the standard's schedule, over three days.
WAITS_S = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
JITTER = 0.2  # of a wait, at most, so that what failed together does not come together again
HOLD_S, LONGEST_HOLD_S = 5.0, 300.0
LONGEST_RETRY_AFTER_S = 24 * 3600.0


class Claimed(NamedTuple):
    """The right to send a message: of a webhook, about a job or a test."""

    webhook: str
    subject: str
    now_ms: int  # Redis' time
    owner: str


class Next(NamedTuple):
    """What follows a try."""

    status: DeliveryStatus
    wait_s: float | None  # until the next; None if there is none
    hold_s: float  # until the webhook is sent anything


def after(tries: list[Try], failures_before: int, retry_after_s: float, once: bool = False) -> Next:
    """What follows the last of some tries. `failures_before` is how many requests in a row the webhook has failed."""
    if tries[-1].delivered:
        return Next(DeliveryStatus.DELIVERED, None, 0.0)
    asked_s = min(retry_after_s, LONGEST_RETRY_AFTER_S)
    hold_s = max(asked_s, min(HOLD_S * 2.0 ** min(failures_before, 10), LONGEST_HOLD_S))
    if once or len(tries) > len(WAITS_S):
        return Next(DeliveryStatus.FAILED, None, hold_s)
    wait_s = WAITS_S[len(tries) - 1] * (1 + random.uniform(0, JITTER))
    return Next(DeliveryStatus.PENDING, max(asked_s, wait_s), hold_s)


class Outbox:
    """The messages of one deployment."""

    def __init__(self, redis: "Redis", lease_s: float = LEASE_S) -> None:
        self._redis, self._lease_ms = redis, int(lease_s * 1000)

    def claim(self) -> Claimed | None:
        """The message that is due first and whose webhook is not held. None if there is none."""
        owner = secrets.token_hex(8)
        found: list[str] = run_script(self._redis, "claim", owner, self._lease_ms)
        return Claimed(found[0], found[1], int(found[2]), owner) if found else None

    def release(self, claimed: Claimed) -> None:
        """Send nothing: the message was dropped meanwhile."""
        run_script(self._redis, "release", claimed.webhook, claimed.owner, claimed.subject)

    def settle(self, claimed: Claimed, tries: list[Try], following: Next) -> bool:
        """Save what came of the last try. False where somebody else has claimed the message since, or it is gone."""
        wait_ms = "" if following.wait_s is None else int(following.wait_s * 1000)
        hold_ms, last = int(following.hold_s * 1000), tries[-1]
        shown: list[str | int] = [TRIES.dump_json(tries).decode(), hold_ms, last.model_dump_json(), int(last.delivered)]
        arguments = [claimed.webhook, claimed.owner, claimed.subject, following.status, wait_ms, *shown]
        return bool(run_script(self._redis, "settle", *arguments) == "ok")
