"""Messages are shared among workers: nobody sends one twice at once, and none is lost with whoever sent it."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from core.crash import VARIABLE
from core.errors import WebhookNotFound
from core.log_context import log_context
from core.settings import Settings
from jobs.record import JobOrigin
from jobs.store import JobStore
from tests.jobs.claims import SPEC
from tests.service import wait_until
from tests.webhooks.playing import EVENTS, cancelled, let_pass, told
from tests.webhooks.receiver import Receiver, Reply
from webhooks.deliverer import Deliverer
from webhooks.outbox import Outbox, after
from webhooks.record import Outcome, Try
from webhooks.store import WebhookStore
from webhooks.targets import Address, resolve

LEASE_S = 1.0
ONE = f"""
from core.settings import Settings
from jobs.redis_client import connect
from webhooks.deliverer import Deliverer
from webhooks.outbox import Outbox

settings = Settings()
Deliverer(settings, Outbox(connect(settings.redis_url), lease_s={LEASE_S})).deliver_one()
"""


def test_many_senders_send_each_message_once(
    settings: Settings, store: JobStore, redis: Redis, webhooks: WebhookStore, hook: Receiver
) -> None:
    for _ in range(3):
        webhooks.create("anybody", hook.url, EVENTS)
    jobs = [cancelled(store) for _ in range(20)]

    def send_all(_: int) -> None:
        deliverer = Deliverer(settings)
        while redis.zcard("digitforge:outbox"):
            deliverer.deliver_one()

    with ThreadPoolExecutor(4) as senders:
        list(senders.map(send_all, range(4)))
    assert sorted(request.headers["webhook-id"] for request in hook.received) == sorted(
        f"msg_{job_id}" for job_id in jobs for _ in range(3)
    )
    assert [told(webhooks, job_id) for job_id in jobs] == [[("delivered", 1)] * 3] * 20


def test_a_webhook_has_one_request_at_a_time_and_holds_up_no_other(
    store: JobStore, webhooks: WebhookStore, outbox: Outbox, hook: Receiver
) -> None:
    slow, quick = [webhooks.create("anybody", hook.url, EVENTS).id for _ in range(2)]
    for _ in range(5):
        cancelled(store)
    found = [outbox.claim(), outbox.claim(), outbox.claim()]
    assert {one.webhook for one in found if one} == {slow, quick}
    assert found[2] is None


def test_a_receiver_that_is_down_costs_fewer_requests_the_longer_it_is(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("anybody", hook.url, EVENTS)
    hook.replies = [Reply(500)]
    for _ in range(10):
        cancelled(store)
    for _ in range(20):
        while deliverer.deliver_one():
            pass
        let_pass(redis, 60)
    assert 5 < len(hook.received) < 12  # in 20 minutes; each message alone would have been tried three times
    hook.replies = [Reply(200)]
    let_pass(redis, 7200)
    while deliverer.deliver_one():
        pass
    assert webhooks.get(webhook.id).failures == 0
    assert redis.zcard("digitforge:outbox") == 0


def test_a_worker_killed_between_sending_and_saving_leaves_the_message_to_another(
    settings: Settings, tmp_path: Path, store: JobStore, redis: Redis, webhooks: WebhookStore, hook: Receiver
) -> None:
    webhooks.create("anybody", hook.url, EVENTS)
    job_id = cancelled(store)
    crash = tmp_path / "crash"
    crash.write_text("webhook:before-settle")
    own = {"DIGITFORGE_REDIS_URL": settings.redis_url, "DIGITFORGE_WEBHOOKS": "listed", VARIABLE: str(crash)}
    own["DIGITFORGE_WEBHOOK_HOSTS"] = "127.0.0.0/8"
    killed = subprocess.run([sys.executable, "-c", ONE], env=os.environ | own, check=False)
    assert (killed.returncode, len(hook.received)) == (-9, 1)
    assert told(webhooks, job_id) == [("pending", 0)]
    deliverer = Deliverer(settings)
    wait_until(deliverer.deliver_one)
    first, second = hook.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert told(webhooks, job_id) == [("delivered", 1)]


def test_a_sender_that_froze_beyond_its_lease_changes_nothing(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhooks.create("anybody", hook.url, EVENTS)
    hook.replies = [Reply(500), Reply(200)]
    job_id = cancelled(store)
    impatient = Outbox(redis, lease_s=0.01)
    frozen = impatient.claim()
    assert frozen is not None
    time.sleep(0.02)
    assert deliverer.deliver_one()
    before = webhooks.deliveries(job_id)
    late = [Try(at=datetime.now(UTC), outcome=Outcome.ANSWERED, status=200)]
    assert not impatient.settle(frozen, late, after(late, 0, 0.0))
    impatient.release(frozen)
    assert webhooks.deliveries(job_id) == before
    assert told(webhooks, job_id) == [("pending", 1)]
    let_pass(redis, 10)
    assert deliverer.deliver_one()
    assert told(webhooks, job_id) == [("delivered", 2)]


def test_a_deleted_job_and_a_deleted_webhook_leave_nothing_to_send(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    kept, dropped = [webhooks.create("anybody", hook.url, EVENTS).id for _ in range(2)]
    first, second = cancelled(store), cancelled(store)
    store.delete(first)
    assert webhooks.deliveries(first) == []
    webhooks.delete(dropped)
    assert {one.webhook: one.status.value for one in webhooks.deliveries(second)} == {
        kept: "pending",
        dropped: "dropped",
    }
    while deliverer.deliver_one():
        pass
    assert [request.headers["webhook-id"] for request in hook.received] == [f"msg_{second}"]
    store.delete(second)
    assert redis.keys("digitforge:outbox*") == []


def test_a_job_that_is_deleted_while_its_message_is_sent_holds_up_no_other(
    store: JobStore, redis: Redis, webhooks: WebhookStore, outbox: Outbox, deliverer: Deliverer, hook: Receiver
) -> None:
    webhooks.create("anybody", hook.url, EVENTS)
    first, second = cancelled(store), cancelled(store)
    claimed = outbox.claim()
    assert claimed is not None
    assert claimed.subject == first
    store.delete(first)
    outbox.release(claimed)
    assert deliverer.deliver_one()
    assert told(webhooks, second) == [("delivered", 1)]
    assert webhooks.deliveries(first) == []


def test_a_message_can_be_sent_again_whatever_came_of_it(
    store: JobStore, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("anybody", hook.url, EVENTS).id
    job_id = cancelled(store)
    assert deliverer.deliver_one()
    webhooks.send_again(job_id, webhook)
    webhooks.send_again(job_id, webhook)
    assert told(webhooks, job_id) == [("pending", 1)]
    assert deliverer.deliver_one()
    assert not deliverer.deliver_one()
    assert told(webhooks, job_id) == [("delivered", 2)]
    assert len({request.headers["webhook-id"] for request in hook.received}) == 1
    webhooks.delete(webhook)
    with pytest.raises(WebhookNotFound):
        webhooks.send_again(job_id, webhook)
    with pytest.raises(WebhookNotFound):
        webhooks.send_again("nobody", webhook)


def test_what_is_logged_of_a_message_names_its_job_and_the_request_that_made_it(
    settings: Settings, store: JobStore, webhooks: WebhookStore, hook: Receiver
) -> None:
    seen = []

    def resolver(host: str) -> list[Address]:
        seen.append(dict(log_context()))
        return resolve(host)

    webhooks.create("anybody", hook.url, EVENTS)
    job_id = store.create(SPEC, origin=JobOrigin(request_id="req-1")).job.id
    store.cancel(job_id)
    assert Deliverer(settings, resolver=resolver).deliver_one()
    assert [(one["job_id"], one["request_id"]) for one in seen] == [(job_id, "req-1")]
    assert log_context() == {}


def test_a_message_about_a_job_that_a_backup_brought_back_waits_for_its_end(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("anybody", hook.url, EVENTS).id
    job_id = store.create(SPEC).job.id
    redis.hset(f"digitforge:outbox:job:{job_id}", f"{webhook}:status", "pending")  # ended while the backup was taken
    redis.zadd(f"digitforge:outbox:{webhook}", {job_id: 1})
    redis.zadd("digitforge:outbox", {webhook: 1})
    assert deliverer.deliver_one()
    assert not deliverer.deliver_one()
    assert hook.received == []
    store.cancel(job_id)
    assert deliverer.deliver_one()
    assert told(webhooks, job_id) == [("delivered", 1)]
