"""Ends of jobs reach their webhooks: signed, at least once, by the schedule, and nobody else's."""

import json
import time
from ipaddress import ip_address

import pytest
from redis import Redis

from core.logs import JsonLines
from core.settings import Settings
from jobs.record import JobOrigin
from jobs.store import JobStore
from tests.jobs.claims import DATASET, ERROR, IMPORT, MODEL, PUBLICATION, SPEC, claimed, committed
from tests.webhooks.playing import EVENTS, cancelled, let_pass, told, verifies
from tests.webhooks.receiver import Receiver, Reply
from webhooks.deliverer import Deliverer
from webhooks.outbox import WAITS_S
from webhooks.store import WebhookStore
from webhooks.targets import Address

DAY_S = 86_400


def test_the_end_of_a_job_is_told_once_and_signed(
    store: JobStore, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    secret = webhooks.create("anybody", hook.url, EVENTS).secret
    assert not deliverer.deliver_one()
    job_id = cancelled(store)
    assert told(webhooks, job_id) == [("pending", 0)]
    assert deliverer.deliver_one()
    assert not deliverer.deliver_one()
    (request,) = hook.received
    assert verifies(request, [secret])
    assert request.headers["webhook-id"] == f"msg_{job_id}"
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    message = json.loads(request.body)
    finished = store.get(job_id).finished_at
    assert finished is not None
    assert message == {
        "type": "job.cancelled",
        "timestamp": finished.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "data": {
            "id": job_id,
            "kind": "train",
            "status": "cancelled",
            "model": None,
            "dataset": None,
            "error": None,
            "links": {"job": f"/jobs/{job_id}", "generate": None, "dataset": None},
        },
    }
    assert told(webhooks, job_id) == [("delivered", 1)]


def test_what_is_logged_of_a_delivery_names_the_request_that_made_the_job(
    store: JobStore, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonLines("worker"))
    webhooks.create("anybody", hook.url, EVENTS)
    job_id = store.create(SPEC, origin=JobOrigin(request_id="mine")).job.id
    store.cancel(job_id)
    with caplog.at_level("INFO", "webhooks.deliverer"):
        assert deliverer.deliver_one()
    (line,) = [json.loads(text) for text in caplog.text.splitlines()]
    assert (line["job_id"], line["request_id"]) == (job_id, "mine")


def test_each_end_says_what_came_of_the_job(
    store: JobStore, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhooks.create("anybody", hook.url, EVENTS)
    trained, failed, imported = committed(store), claimed(store), claimed(store, IMPORT)
    store.publish(trained.job.id, MODEL, PUBLICATION)
    store.fail(failed, ERROR)
    store.commit(imported, DATASET)
    store.publish(imported.job.id, DATASET)
    while deliverer.deliver_one():
        pass
    found = {request.headers["webhook-id"]: json.loads(request.body) for request in hook.received}
    assert len(found) == len(hook.received) == 3
    end = found[f"msg_{trained.job.id}"]
    assert (end["type"], end["data"]["model"]) == ("job.succeeded", MODEL)
    assert end["data"]["links"]["generate"] == f"/generate?model={MODEL}"
    end = found[f"msg_{failed.job.id}"]
    assert (end["type"], end["data"]["error"]) == ("job.failed", "oom")
    end = found[f"msg_{imported.job.id}"]
    assert (end["data"]["kind"], end["data"]["dataset"]) == ("import", DATASET)
    assert end["data"]["links"]["dataset"] == f"/datasets/{DATASET}"


def test_only_the_callers_own_jobs_and_the_events_that_it_asked_for_are_told(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    wanted = webhooks.create("k1", hook.url, ["job.cancelled"])
    webhooks.create("k1", hook.url, ["job.succeeded"])
    webhooks.create("k2", hook.url, ["job.succeeded", "job.failed"])
    own, others = cancelled(store, "k1"), [cancelled(store, caller) for caller in ("k2", "anybody")]
    while deliverer.deliver_one():
        pass
    assert [request.headers["webhook-id"] for request in hook.received] == [f"msg_{own}"]
    assert [one.webhook for one in webhooks.deliveries(own)] == [wanted.id]
    assert [told(webhooks, other) for other in others] == [[], []]
    assert redis.keys("digitforge:outbox*") == [f"digitforge:outbox:job:{own}"]  # nothing waits, nothing else is kept


def test_a_message_is_tried_by_the_schedule_with_one_id_and_a_new_time(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    secret = webhooks.create("anybody", hook.url, EVENTS).secret
    hook.replies = [Reply(500), Reply(302), Reply(404), Reply(200)]
    job_id = cancelled(store)
    for tries in (1, 2, 3):
        assert deliverer.deliver_one()
        assert not deliverer.deliver_one()
        assert told(webhooks, job_id) == [("pending", tries)]
        let_pass(redis, WAITS_S[tries - 1] - 1)
        assert not deliverer.deliver_one()
        let_pass(redis, 0.2 * WAITS_S[tries - 1] + 1)
    assert deliverer.deliver_one()
    assert told(webhooks, job_id) == [("delivered", 4)]
    assert len({(request.headers["webhook-id"], request.body) for request in hook.received}) == 1
    assert all(verifies(request, [secret]) for request in hook.received)
    assert [one.status for one in webhooks.deliveries(job_id)[0].tries] == [500, 302, 404, 200]


def test_a_message_that_nobody_takes_fails_after_the_last_try(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("anybody", hook.url, EVENTS)
    hook.replies = [Reply(500)]
    job_id = cancelled(store)
    for _ in range(len(WAITS_S) + 1):
        assert deliverer.deliver_one()
        let_pass(redis, 1.2 * DAY_S)
        redis.hdel(f"digitforge:webhook:{webhook.id}", "failing_ms")  # or it would be disabled first
    assert told(webhooks, job_id) == [("failed", 10)]
    assert not deliverer.deliver_one()


def test_retry_after_is_honoured_for_all_that_the_webhook_waits_for(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhooks.create("anybody", hook.url, EVENTS)
    hook.replies = [Reply(503, (("Retry-After", "3600"),)), Reply(200)]
    first, second = cancelled(store), cancelled(store)
    assert deliverer.deliver_one()
    third = cancelled(store)
    assert not deliverer.deliver_one()
    let_pass(redis, 3500)
    assert not deliverer.deliver_one()
    let_pass(redis, 200)
    while deliverer.deliver_one():
        pass
    assert told(webhooks, third) == [("delivered", 1)]
    assert told(webhooks, first) == [("delivered", 2)]
    assert told(webhooks, second) == [("delivered", 1)]


def test_a_receiver_that_is_gone_is_told_nothing_more(
    store: JobStore, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("anybody", hook.url, EVENTS)
    hook.replies = [Reply(410)]
    first, second = cancelled(store), cancelled(store)
    assert deliverer.deliver_one()
    assert not deliverer.deliver_one()
    assert (told(webhooks, first), told(webhooks, second)) == ([("failed", 1)], [("dropped", 0)])
    assert webhooks.get(webhook.id).disabled == "the receiver answered 410 Gone"
    assert told(webhooks, cancelled(store)) == []


def test_a_receiver_that_fails_for_days_is_given_up_and_one_good_answer_prevents_that(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("anybody", hook.url, EVENTS)
    hook.replies = [Reply(500), Reply(200), Reply(500)]
    cancelled(store)
    for _ in range(4):
        assert deliverer.deliver_one()
        let_pass(redis, 4 * DAY_S)
        cancelled(store)
        assert webhooks.get(webhook.id).disabled is None
    assert deliverer.deliver_one()
    assert "5 days" in str(webhooks.get(webhook.id).disabled)
    assert not deliverer.deliver_one()


def test_both_secrets_sign_while_they_overlap(
    store: JobStore, redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    old = webhooks.create("anybody", hook.url, EVENTS)
    new = webhooks.rotate(old.id, overlap_s=60)
    cancelled(store)
    assert deliverer.deliver_one()
    let_pass(redis, 61)
    cancelled(store)
    assert deliverer.deliver_one()
    assert new.secret != old.secret
    during, later = hook.received
    assert verifies(during, [new.secret, old.secret])
    assert verifies(later, [new.secret])


def test_a_name_that_leads_elsewhere_later_leads_nowhere(
    settings: Settings, store: JobStore, webhooks: WebhookStore, hook: Receiver
) -> None:
    asked: list[str] = []

    def rebinding(host: str) -> list[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "169.254.169.254")]

    deliverer = Deliverer(settings, resolver=rebinding)
    webhooks.create("anybody", hook.url.replace("127.0.0.1", "hooks.example"), EVENTS)
    first = cancelled(store)
    assert deliverer.deliver_one()
    assert asked == ["hooks.example"]  # once a message: what was checked is what is connected to
    assert hook.received[0].headers["host"] == f"hooks.example:{hook.port}"
    second = cancelled(store)
    assert deliverer.deliver_one()
    assert (told(webhooks, first), told(webhooks, second)) == ([("delivered", 1)], [("pending", 1)])
    assert webhooks.deliveries(second)[0].tries[0].outcome == "no-address"
    assert len(hook.received) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://10.0.0.1/", "http://hooks.invalid/"])
def test_what_cannot_be_reached_is_told_apart_in_coarse_words_alone(
    store: JobStore, webhooks: WebhookStore, deliverer: Deliverer, url: str
) -> None:
    webhook = webhooks.create("anybody", url, EVENTS)
    job_id = cancelled(store)
    assert deliverer.deliver_one()
    (one,) = webhooks.deliveries(job_id)
    assert (one.status, one.tries[0].status) == ("pending", None)
    assert one.tries[0].outcome == ("no-answer" if "127" in url else "no-address")
    assert webhooks.get(webhook.id).last == one.tries[0]


def test_a_test_is_sent_once_whatever_comes_of_it(
    redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("anybody", hook.url, EVENTS)
    hook.replies = [Reply(500)]
    webhooks.test(webhook.id)
    assert deliverer.deliver_one()
    let_pass(redis, 600)
    assert not deliverer.deliver_one()
    (request,) = hook.received
    assert verifies(request, [webhook.secret])
    message = json.loads(request.body)
    assert (message["type"], message["data"]) == ("webhook.test", {"webhook": webhook.id})
    last = webhooks.get(webhook.id).last
    assert last is not None
    assert last.status == 500


def test_tests_are_sent_one_at_a_time_with_a_pause(
    redis: Redis, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("anybody", hook.url, EVENTS).id
    for _ in range(3):
        for _ in range(5):
            webhooks.test(webhook)
        assert deliverer.deliver_one()
        assert not deliverer.deliver_one()
        let_pass(redis, 5)
    assert len({request.headers["webhook-id"] for request in hook.received}) == len(hook.received) == 3


def test_a_job_of_another_caller_with_the_same_url_tells_only_its_own(
    store: JobStore, webhooks: WebhookStore, deliverer: Deliverer, hook: Receiver
) -> None:
    webhook = webhooks.create("k1", hook.url, EVENTS)
    webhooks.create("k2", hook.url, EVENTS)
    job_id = store.create(IMPORT, origin=JobOrigin("k1")).job.id
    store.cancel(job_id)
    assert deliverer.deliver_one()
    assert not deliverer.deliver_one()
    assert verifies(hook.received[0], [webhook.secret])
