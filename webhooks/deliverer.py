"""Sends the messages that are due, at least once each. Every worker does, and they may all send at once."""

import logging
import ssl
import threading
import time
from datetime import timedelta
from multiprocessing.synchronize import Event

from redis import RedisError

from core.crash import crash_point
from core.errors import JobNotFound, JobStateConflict, WebhookNotFound, WebhookUnreachable
from core.settings import Settings
from jobs.job_logs import about_id
from jobs.redis_client import connect
from jobs.store import JobStore
from webhooks.message import Message, WebhookTest, message_about, message_id
from webhooks.outbox import HOLD_S, Claimed, Outbox, after
from webhooks.record import DeliveryStatus, MessageType, Outcome, Try, Webhook, to_time
from webhooks.sending import Answer, post
from webhooks.signing import signed
from webhooks.store import TEST, WebhookStore
from webhooks.targets import Reach, Resolver, Target, resolve

SENDERS = 4  # threads
IDLE_S = 1.0
GIVEN_UP_S = 5 * 86_400.0
GONE = 410
KEPT_TRIES = 20  # of a message: those that somebody asks for have no end

logger = logging.getLogger(__name__)


class Deliverer:
    """Sends the messages of one deployment."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox | None = None,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._outbox = outbox or Outbox(connect(settings.redis_url))
        self._jobs, self._webhooks = JobStore.of(settings), WebhookStore.of(settings)
        self._reach, self._root_path, self._resolver = Reach.of(settings), settings.root_path, resolver
        self._tls = tls or ssl.create_default_context()

    def start(self, stop: Event) -> None:
        """Send in the background until `stop` is set."""
        for number in range(SENDERS):
            name = f"webhooks-{number}"
            threading.Thread(target=self._deliver_until, args=(stop,), name=name, daemon=True).start()

    def _deliver_until(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                found = self.deliver_one()
            except RedisError as error:
                logger.warning("webhooks: put off: %s", error)
                found = False
            except Exception:  # of one message; its lease ends, and it is tried again
                logger.exception("webhooks: put off")
                found = False
            if not found:
                stop.wait(IDLE_S)

    def deliver_one(self) -> bool:
        """Send the message that is due first. False if none is."""
        claimed = self._outbox.claim()
        if claimed is None:
            return False
        with about_id(self._jobs, claimed.subject):
            self._deliver(claimed)
        return True

    def _deliver(self, claimed: Claimed) -> None:
        try:
            webhook = self._webhooks.get(claimed.webhook)
            message = self._message(claimed)
        except (WebhookNotFound, JobNotFound, JobStateConflict) as error:  # deleted since, or restored from a backup
            logger.info("webhook %s: nothing to send: %s", claimed.webhook, error)
            self._outbox.release(claimed)
            return
        if self._webhooks.is_revoked(webhook.caller):  # while this message waited
            logger.warning("webhook %s: disabled: its key was revoked", webhook.id)
            self._webhooks.disable(webhook.id, "its key was revoked")
            return
        told = self._webhooks.tries(claimed.subject, webhook.id)
        answer, outcome = self._send(claimed, webhook, message.model_dump_json().encode())
        crash_point("webhook:before-settle")
        status = answer.status if answer else None
        before = told.tries[-KEPT_TRIES:] if told else ()
        tries = [*before, Try(at=to_time(claimed.now_ms), outcome=outcome, status=status)]
        self._settle(claimed, webhook, tries, answer)

    def _message(self, claimed: Claimed) -> Message:
        if claimed.subject == TEST:
            about = WebhookTest(webhook=claimed.webhook)
            return Message(type=MessageType.TEST, timestamp=to_time(claimed.now_ms), data=about)
        job = self._jobs.get(claimed.subject)
        if not job.status.is_terminal:
            raise JobStateConflict(f"job {job.id} has not ended: it is {job.status}")
        return message_about(job, self._root_path)

    def _send(self, claimed: Claimed, webhook: Webhook, body: bytes) -> tuple[Answer | None, Outcome]:
        """The answer, if one came, and what came of it. Why there is none stands in the log alone."""
        at_s = int(time.time())  # of this machine: receivers refuse what is not recent
        subject = f"{TEST}_{claimed.owner}" if claimed.subject == TEST else claimed.subject
        headers = signed(message_id(subject), at_s, body, webhook.secrets_at(claimed.now_ms))
        try:
            target = Target.parse(webhook.url)
            addresses = self._reach.addresses(target, self._resolver)
        except (ValueError, WebhookUnreachable) as error:
            logger.warning("webhook %s: %s: %s", webhook.id, error, error.__cause__)
            return None, Outcome.NO_ADDRESS
        try:
            return post(target, addresses, headers, body, self._tls), Outcome.ANSWERED
        except (OSError, ValueError) as error:  # the latter for a name that TLS cannot take
            logger.warning("webhook %s: no answer from %s: %s", webhook.id, target.authority, error)
            return None, Outcome.NO_ANSWER

    def _settle(self, claimed: Claimed, webhook: Webhook, tries: list[Try], answer: Answer | None) -> None:
        gone = answer is not None and answer.status == GONE
        is_test = claimed.subject == TEST
        following = after(tries, webhook.failures, answer.retry_after_s if answer else 0.0, once=gone or is_test)
        if is_test:
            following = following._replace(hold_s=max(following.hold_s, HOLD_S))  # a webhook is no way to flood anybody
        if not self._outbox.settle(claimed, tries, following):
            logger.warning("webhook %s: %s: somebody else has sent it meanwhile", webhook.id, claimed.subject)
            return
        came = answer.status if answer else tries[-1].outcome
        logger.info("webhook %s: %s: %s after answer %s", webhook.id, claimed.subject, following.status, came)
        reason = _reason_to_disable(webhook, claimed.now_ms, following.status, gone)
        if reason:
            logger.warning("webhook %s: disabled: %s", webhook.id, reason)
            self._webhooks.disable(webhook.id, reason)


def _reason_to_disable(webhook: Webhook, now_ms: int, status: DeliveryStatus, gone: bool) -> str | None:
    if gone:
        return "the receiver answered 410 Gone"
    failing_s = 0.0 if webhook.failing_ms is None else (now_ms - webhook.failing_ms) / 1000
    if status is not DeliveryStatus.DELIVERED and failing_s > GIVEN_UP_S:
        return f"no request was answered with 2xx for {timedelta(seconds=GIVEN_UP_S).days} days"
    return None
