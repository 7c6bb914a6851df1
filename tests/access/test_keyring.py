"""Which keys are valid: at once after a change, also in another process, and while Redis is away."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from access import keyring
from access.key import new_id, new_key
from access.key_file import KeyFile, write_keys
from access.key_record import NewKey
from access.key_store import KeyStore
from access.keyring import Keyring
from access.required import MARKER
from cli.redis_server import RedisServer
from core.access import ANYBODY, Caller, Scope
from core.errors import KeyRefused, KeysAway
from jobs import keys
from jobs.redis_client import connect
from tests.freezing import frozen


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that may be stopped."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


def ring_of(url: str, folder: Path, file: KeyFile | None = None) -> Keyring:
    return Keyring(KeyStore(connect(url), folder / MARKER), file, folder / MARKER)


def added(ring: Keyring, *scopes: Scope) -> NewKey:
    new = NewKey.make("test", scopes or [Scope.GENERATE])
    ring.store.add(new.record)
    return new


def ask(ring: Keyring, key: str, harmless: bool = True) -> Caller:
    return asyncio.run(ring.caller(key.encode(), harmless))


@pytest.fixture
def rings(redis_apart: Redis, url_apart: str, tmp_path: Path) -> list[Keyring]:
    """Those of two processes."""
    return [ring_of(url_apart, tmp_path) for _ in range(2)]


def test_a_new_key_is_known_to_every_process_at_once(rings: list[Keyring]) -> None:
    first, second = rings
    for _ in range(2):
        new = added(first)
        assert ask(second, new.text).id == new.record.id


def test_a_rotated_key_is_known_at_once_too_and_the_one_before_goes_on(rings: list[Keyring]) -> None:
    first, second = rings
    new = added(first)
    ask(second, new.text)
    rotated = first.store.rotate(new.record.id, timedelta(days=1))
    assert ask(second, rotated.text) == ask(second, new.text)


def test_a_revoked_key_is_refused_once_what_was_known_is_no_longer_trusted(
    rings: list[Keyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = rings
    new = added(first)
    caller = ask(second, new.text)
    first.store.revoke(new.record.id)
    monkeypatch.setattr(keyring, "TRUSTED_S", 0.0)  # as after five seconds, also of a process that was frozen
    with pytest.raises(KeyRefused, match="revoked"):
        ask(second, new.text)
    assert not second.admits(caller)


def test_many_wrong_keys_cost_redis_little(own_redis: RedisServer, tmp_path: Path) -> None:
    ring = ring_of(own_redis.url, tmp_path)
    added(ring)

    async def flood() -> list[Any]:
        wrong = [new_key(new_id()).encode() for _ in range(300)]
        return await asyncio.gather(*(ring.caller(key, True) for key in wrong), return_exceptions=True)

    redis = connect(own_redis.url)
    redis.config_resetstat()
    assert {type(answer) for answer in asyncio.run(flood())} == {KeyRefused}
    stats: dict[str, Any] = redis.info("commandstats")
    assert sum(one["calls"] for name, one in stats.items() if "config" not in name) < 20


def test_a_text_with_a_typing_error_is_told_without_redis(tmp_path: Path) -> None:
    ring = ring_of("redis://127.0.0.1:1/0", tmp_path)
    right = new_key(new_id())
    with pytest.raises(KeysAway):
        ask(ring, right)
    with pytest.raises(KeyRefused, match="typing error"):
        ask(ring, right[:-1] + "_")


def test_while_redis_is_away_known_keys_go_on_for_what_changes_nothing(
    own_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = ring_of(own_redis.url, tmp_path)
    new = added(ring)
    ask(ring, new.text)
    own_redis.stop()
    assert ask(ring, new.text, harmless=False).id == new.record.id  # Redis was there a moment ago
    monkeypatch.setattr(keyring, "TRUSTED_S", 0.0)
    assert ask(ring, new.text).id == new.record.id
    with pytest.raises(KeysAway):
        ask(ring, new.text, harmless=False)
    with pytest.raises(KeysAway):  # it may be new
        ask(ring, new_key(new_id()))
    monkeypatch.setattr(keyring, "KEPT_S", 0.0)
    with pytest.raises(KeysAway):
        ask(ring, new.text)
    own_redis.start()
    monkeypatch.setattr(keyring, "TRUSTED_S", 5.0)
    asyncio.run(ring._look())
    assert ask(ring, new.text, harmless=False).id == new.record.id


def test_a_known_key_waits_for_no_look_at_a_redis_that_is_frozen(
    own_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = ring_of(own_redis.url, tmp_path)
    new = added(ring)
    ask(ring, new.text)
    monkeypatch.setattr(keyring, "TRUSTED_S", 0.0)
    monkeypatch.setattr(keyring, "CHECK_S", 0.0)

    async def ask_during_a_look() -> bool:
        await ring.look()
        watching = asyncio.create_task(ring.watch())
        while not ring._looking.locked():
            await asyncio.sleep(0.01)
        before = ring._begun
        await ring.caller(new.text.encode(), True)
        watching.cancel()
        return ring._begun == before  # none has ended meanwhile

    assert own_redis.process is not None
    with frozen(own_redis.process.pid):
        assert asyncio.run(ask_during_a_look())


def test_a_process_that_starts_while_redis_is_away_lets_nobody_in(own_redis: RedisServer, tmp_path: Path) -> None:
    new = added(ring_of(own_redis.url, tmp_path))
    own_redis.stop()
    ring = ring_of(own_redis.url, tmp_path)
    assert ring.required
    assert not ring.admits(ANYBODY)
    with pytest.raises(KeysAway):
        ask(ring, new.text)


def test_keys_of_a_file_need_no_redis(own_redis: RedisServer, tmp_path: Path) -> None:
    new = NewKey.make("ops", [Scope.ADMIN])
    write_keys(tmp_path / "keys.json", [new.record])
    ring = ring_of(own_redis.url, tmp_path, KeyFile(tmp_path / "keys.json"))
    own_redis.stop()
    assert ring.required
    assert ask(ring, new.text, harmless=False).name == "ops"


def test_keys_in_redis_close_the_door_of_another_data_directory_too(
    rings: list[Keyring], url_apart: str, tmp_path: Path
) -> None:
    added(rings[0])
    (tmp_path / "other").mkdir()
    other = ring_of(url_apart, tmp_path / "other")
    assert other.admits(ANYBODY)
    asyncio.run(other.look())
    assert not other.admits(ANYBODY)
    assert (tmp_path / "other" / MARKER).exists()


def test_when_a_key_was_last_used_is_noted_now_and_then(rings: list[Keyring], monkeypatch: pytest.MonkeyPatch) -> None:
    ring = rings[0]
    new = added(ring)
    ask(ring, new.text)
    asyncio.run(ring.look())
    assert ring.store.last_used() == {}
    monkeypatch.setattr(keyring, "USES_NOTED_S", 0.0)
    asyncio.run(ring.look())
    assert ring.store.last_used().keys() == {new.record.id}


def test_a_revoked_key_leaves_no_note_of_its_use(rings: list[Keyring], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = rings
    new = added(first)
    ask(second, new.text)
    first.store.revoke(new.record.id)
    monkeypatch.setattr(keyring, "USES_NOTED_S", 0.0)
    asyncio.run(second.look())
    assert first.store.last_used() == {}


def test_a_record_of_a_newer_version_gives_what_is_known_of_it(rings: list[Keyring], redis_apart: Redis) -> None:
    ring = rings[0]
    new = added(ring)
    record = json.loads(new.record.model_dump_json())
    newer = record | {"scopes": ["generate", "dream"], "limits": {"queued": 1, "dreams": 2}, "colour": "red"}
    redis_apart.hset(keys.KEYS, new.record.id, json.dumps(newer))
    caller = ask(ring, new.text)
    assert (set(caller.scopes), caller.limits.queued) == ({Scope.GENERATE}, 1)


def test_a_record_that_cannot_be_read_opens_nothing(
    rings: list[Keyring], redis_apart: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    ring = rings[0]
    new, good = added(ring), added(ring)
    redis_apart.hset(keys.KEYS, new.record.id, "{}")
    with caplog.at_level(logging.ERROR), pytest.raises(KeyRefused):
        ask(ring, new.text)
    assert "cannot be read" in caplog.text
    assert ask(ring, good.text).id == good.record.id
