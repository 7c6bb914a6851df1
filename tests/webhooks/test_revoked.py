"""Whoever has stolen a key may have left webhooks: they are told nothing once it is revoked."""

import pytest

from access.key_record import NewKey
from access.key_store import KeyStore
from core.access import Scope
from core.errors import WebhookDisabled
from core.settings import Settings
from jobs.store import JobStore
from tests.webhooks.playing import EVENTS, cancelled, told
from tests.webhooks.receiver import Receiver
from webhooks.deliverer import Deliverer
from webhooks.store import WebhookStore


@pytest.mark.parametrize("revoked_first", [False, True])
def test_what_waits_for_a_webhook_is_dropped_once_its_key_is_revoked(
    store: JobStore,
    settings: Settings,
    webhooks: WebhookStore,
    deliverer: Deliverer,
    hook: Receiver,
    revoked_first: bool,
) -> None:
    new, keys = NewKey.make("stolen", [Scope.JOBS_WRITE]), KeyStore.of(settings)
    keys.add(new.record)
    if revoked_first:  # processes of the API may trust a key for seconds after that
        keys.revoke(new.record.id)
    webhook = webhooks.create(new.record.id, hook.url, EVENTS)
    job_id = cancelled(store, new.record.id)
    if not revoked_first:
        keys.revoke(new.record.id)
    while deliverer.deliver_one():
        pass
    assert told(webhooks, job_id) == [("dropped", 0)]
    assert webhooks.get(webhook.id).disabled == "its key was revoked"
    assert told(webhooks, cancelled(store, new.record.id)) == []
    with pytest.raises(WebhookDisabled):
        webhooks.send_again(job_id, webhook.id)
    assert hook.received == []
