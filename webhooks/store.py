"""The webhooks: who registered them, and what became of their messages. Every method may raise redis' RedisError."""

import secrets
from collections.abc import Sequence
from typing import Self

from redis import Redis

from core.errors import TooManyWebhooks, WebhookDisabled, WebhookNotFound
from core.settings import Settings
from jobs import keys
from jobs.redis_client import connect
from webhooks.record import Delivery, Webhook, deliveries_in
from webhooks.scripting import run_script
from webhooks.signing import new_secret

MOST = 10  # of a caller
TEST = "test"  # in the place of a job's id: one waits at most, so that no number of calls fills Redis


class WebhookStore:
    """The webhooks in Redis."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The webhooks of this deployment."""
        return cls(connect(settings.redis_url))

    def create(self, caller: str, url: str, events: Sequence[str]) -> Webhook:
        """A new webhook, which is told of the ends of a caller's jobs from now on. Raises TooManyWebhooks."""
        webhook_id, types = f"wh_{secrets.token_hex(8)}", ",".join(events)
        fields = ["url", url, "events", types, "secret", new_secret()]
        if run_script(self._redis, "create", webhook_id, caller, MOST, types, *fields) == "full":
            raise TooManyWebhooks(f"there are {MOST} webhooks already, which is the most that there may be; delete one")
        return self.get(webhook_id)

    def get(self, webhook_id: str) -> Webhook:
        """The record of a webhook. Raises WebhookNotFound."""
        fields: dict[str, str] = self._redis.hgetall(f"{keys.WEBHOOK}{webhook_id}")  # type: ignore[assignment]
        if "url" not in fields:
            raise WebhookNotFound(f"no webhook {webhook_id!r}")
        return Webhook.from_hash(fields)

    def is_revoked(self, caller: str) -> bool:
        """Whether a caller's key was revoked, so that its webhooks are told nothing more."""
        return bool(self._redis.hexists(keys.webhooks_of(caller), keys.REVOKED))

    def registered(self, caller: str | None = None) -> list[Webhook]:
        """The webhooks of a caller, or of all, oldest first."""
        ids: list[str] = self._redis.zrange(keys.WEBHOOKS, 0, -1)  # type: ignore[assignment]
        if caller is not None:
            own: list[str] = self._redis.hkeys(keys.webhooks_of(caller))  # type: ignore[assignment]
            ids = [webhook_id for webhook_id in ids if webhook_id in own]
        with self._redis.pipeline(transaction=False) as pipeline:
            for webhook_id in ids:
                pipeline.hgetall(f"{keys.WEBHOOK}{webhook_id}")
            return [Webhook.from_hash(fields) for fields in pipeline.execute() if fields]

    def rotate(self, webhook_id: str, overlap_s: float) -> Webhook:
        """Give it a new secret; the old one signs too for so many seconds. Raises WebhookNotFound."""
        self._require(webhook_id, run_script(self._redis, "rotate", webhook_id, new_secret(), int(overlap_s * 1000)))
        return self.get(webhook_id)

    def test(self, webhook_id: str) -> None:
        """Have it sent a message that is about no job, unless one waits. Raises WebhookNotFound and WebhookDisabled."""
        answer = run_script(self._redis, "test", webhook_id, TEST)
        self._require(webhook_id, answer)
        self._require_enabled(webhook_id, answer)

    def send_again(self, job_id: str, webhook_id: str) -> None:
        """Have the message about a job sent now, whatever came of it. Raises WebhookNotFound and WebhookDisabled."""
        answer = run_script(self._redis, "again", webhook_id, job_id)
        if not answer:
            raise WebhookNotFound(f"no message about job {job_id!r} went to a webhook {webhook_id!r}")
        self._require_enabled(webhook_id, answer)

    def delete(self, webhook_id: str) -> None:
        """Delete it; messages that wait are dropped. Raises WebhookNotFound."""
        self._require(webhook_id, run_script(self._redis, "drop", webhook_id, ""))

    def disable(self, webhook_id: str, reason: str) -> None:
        """Keep it, but tell it nothing any more; messages that wait are dropped. Raises WebhookNotFound."""
        self._require(webhook_id, run_script(self._redis, "drop", webhook_id, reason))

    def deliveries(self, job_id: str) -> list[Delivery]:
        """What has become of the messages about a job, one for each webhook."""
        fields: dict[str, str] = self._redis.hgetall(keys.told_of(job_id))  # type: ignore[assignment]
        return deliveries_in(fields)

    def tries(self, job_id: str, webhook_id: str) -> Delivery | None:
        """What has become of the message about a job at one webhook; None of a test, or when the job is deleted."""
        return next((one for one in self.deliveries(job_id) if one.webhook == webhook_id), None)

    @staticmethod
    def _require(webhook_id: str, answer: str) -> None:
        if not answer:
            raise WebhookNotFound(f"no webhook {webhook_id!r}")

    @staticmethod
    def _require_enabled(webhook_id: str, answer: str) -> None:
        if answer == "disabled":
            raise WebhookDisabled(f"the webhook {webhook_id!r} is disabled; register its URL again")
