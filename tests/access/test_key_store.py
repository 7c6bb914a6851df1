"""Changes of keys in Redis, by several processes at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from access.key import digest
from access.key_record import NewKey
from access.key_store import KeyStore
from access.required import MARKER
from core.access import Scope
from core.errors import KeyNotFound
from jobs.redis_client import connect

DAY = timedelta(days=1)


@pytest.fixture
def stores(redis_apart: Redis, url_apart: str, tmp_path: Path) -> list[KeyStore]:
    return [KeyStore(connect(url_apart), tmp_path / MARKER) for _ in range(4)]


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each of them returns, or raises."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.exception() or future.result() for future in [pool.submit(call) for call in calls]]


def test_of_rotations_at_once_the_last_two_texts_are_valid(stores: list[KeyStore]) -> None:
    new = NewKey.make("ops", [Scope.ADMIN])
    stores[0].add(new.record)
    rotated = at_once(*(partial(store.rotate, new.record.id, DAY) for store in stores))
    (record,) = stores[0].all().records
    made = {digest(one.text.encode()).hex() for one in rotated}
    assert {record.sha256, record.previous_sha256} < made


def test_a_rotation_never_brings_a_revoked_key_back(stores: list[KeyStore]) -> None:
    for _ in range(20):
        new = NewKey.make("ops", [Scope.ADMIN])
        stores[0].add(new.record)
        rotations = [partial(store.rotate, new.record.id, DAY) for store in stores[1:]]
        at_once(*rotations, partial(stores[0].revoke, new.record.id))
        assert stores[0].all().records == []
        with pytest.raises(KeyNotFound):
            stores[0].rotate(new.record.id, DAY)


def test_the_version_changes_with_each_change_and_not_otherwise(stores: list[KeyStore]) -> None:
    store, new, versions = stores[0], NewKey.make("ops", [Scope.ADMIN]), ["" for _ in range(4)]
    changes: list[Callable[[], Any]] = [
        partial(store.add, new.record),
        partial(store.rotate, new.record.id, DAY),
        partial(store.revoke, new.record.id),
    ]
    for number, change in enumerate(changes):
        change()
        versions[number] = store.version()
        store.note_use({new.record.id: 1})
        assert store.all().version == store.version() == versions[number]
    assert len(set(versions)) == 4
    with pytest.raises(KeyNotFound):
        store.revoke(new.record.id)


def test_the_text_before_goes_on_no_longer_than_it_would_have() -> None:
    short = NewKey.make("ops", [Scope.ADMIN], life=timedelta(hours=1)).record
    rotated = short.rotated(DAY).record
    assert rotated.previous_until == short.expires_at
    assert rotated.expires_at is not None
    assert rotated.rotated_at is not None
    assert rotated.expires_at - rotated.rotated_at == timedelta(hours=1)
    assert (rotated.id, rotated.scopes, rotated.created_at) == (short.id, short.scopes, short.created_at)
    assert short.rotated(timedelta(0)).record.previous_sha256 is None


def test_a_key_with_no_life_at_all_does_not_live_for_ever() -> None:
    dead = NewKey.make("dead", [Scope.GENERATE], timedelta(0)).record
    assert dead.expires_at == dead.created_at
    assert dead.rotated(timedelta(0)).record.expires_at is not None
