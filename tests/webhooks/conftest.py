"""A deployment in which webhooks may lead to this machine, and a receiver there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.settings import Settings
from tests.webhooks.receiver import Receiver, receiver
from webhooks.deliverer import Deliverer
from webhooks.outbox import Outbox
from webhooks.store import WebhookStore


@pytest.fixture
def settings(redis_server: RedisServer, tmp_path: Path) -> Settings:
    hosts = ("127.0.0.0/8",)
    return Settings(redis_url=redis_server.url, data_dir=tmp_path, webhooks="listed", webhook_hosts=hosts)


@pytest.fixture
def webhooks(redis: Redis) -> WebhookStore:
    return WebhookStore(redis)


@pytest.fixture
def outbox(redis: Redis) -> Outbox:
    return Outbox(redis)


@pytest.fixture
def deliverer(settings: Settings, redis: Redis) -> Deliverer:
    return Deliverer(settings)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as it:
        yield it
