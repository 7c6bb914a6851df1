"""The keys in Redis: made, listed, rotated, revoked. `jobs/keys.py` names where.

The version changes in the transaction of each change, so that a reader need not read all keys to know that it has them.
"""

import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import ValidationError
from redis import Redis, WatchError
from redis.client import Pipeline

from access.key_record import KeyRecord, NewKey
from access.required import marker, require
from core.errors import KeyNotFound
from core.settings import Settings
from jobs import keys
from jobs.redis_client import connect, wait_for_disk

logger = logging.getLogger(__name__)


class StoredKeys(NamedTuple):
    """All keys, and the version that they are."""

    version: str
    records: list[KeyRecord]


class KeyStore:
    """The keys of a deployment. A change is on disk once it is made. Every method may raise redis' RedisError."""

    def __init__(self, redis: "Redis", marker: Path) -> None:
        """`marker` is the file that says that keys are asked for: see `access/required.py`."""
        self._redis, self._marker = redis, marker

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The store of this deployment."""
        return cls(connect(settings.redis_url), marker(settings))

    def add(self, record: KeyRecord) -> None:
        """Store a new key. From the first one on the API asks for keys, also where this breaks off. Raises OSError."""
        self._redis.ping()  # else the door would be closed for nothing
        require(self._marker)
        with self._redis.pipeline() as change:
            change.hset(keys.KEYS, record.id, record.model_dump_json())
            self._execute(change)

    def all(self) -> StoredKeys:
        """All keys, in no order. One that cannot be read is logged and left out, and so opens nothing."""
        with self._redis.pipeline() as reading:
            reading.get(keys.KEYS_VERSION)
            reading.hgetall(keys.KEYS)
            version, found = reading.execute()
        return StoredKeys(version or "", [record for value in found.values() if (record := _read(value))])

    def version(self) -> str:
        """Another text after each change; empty where there never was a key."""
        version: str | None = self._redis.get(keys.KEYS_VERSION)  # type: ignore[assignment]
        return version or ""

    def rotate(self, key_id: str, overlap: timedelta) -> NewKey:
        """Give a key another text; the one before goes on for `overlap`. Raises KeyNotFound."""
        while True:
            with self._redis.pipeline() as change:
                change.watch(keys.KEYS)  # type: ignore[no-untyped-call]
                found: Any = change.hget(keys.KEYS, key_id)
                record = _read(found) if found else None
                if record is None:
                    raise _not_found(key_id)
                new = record.rotated(overlap)
                change.multi()
                change.hset(keys.KEYS, key_id, new.record.model_dump_json())
                try:
                    self._execute(change)
                except WatchError:  # somebody changed a key meanwhile
                    continue
                return new

    def revoke(self, key_id: str) -> None:
        """Remove a key: nobody is let in by it any more, five seconds later at most. Raises KeyNotFound."""
        if not self._redis.hexists(keys.KEYS, key_id):
            raise _not_found(key_id)
        with self._redis.pipeline() as change:
            change.hdel(keys.KEYS, key_id)
            change.hdel(keys.KEYS_USED, key_id)
            change.delete(keys.webhooks_of(key_id))  # whoever has stolen it may have left one
            change.hset(keys.webhooks_of(key_id), keys.REVOKED, "")  # for messages that wait, and webhooks yet to come
            self._execute(change)

    def note_use(self, used: Mapping[str, int]) -> None:
        """Note when keys were last used, in seconds since 1970, by id. A crash may lose it."""
        if used:
            self._redis.hset(keys.KEYS_USED, mapping={key_id: str(seconds) for key_id, seconds in used.items()})

    def last_used(self) -> dict[str, int]:
        """When each key was last used, in seconds since 1970; those of which nothing is known are left out."""
        found: dict[str, str] = self._redis.hgetall(keys.KEYS_USED)  # type: ignore[assignment]
        return {key_id: int(seconds) for key_id, seconds in found.items()}

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _execute(self, change: "Pipeline") -> None:
        """Do what was asked, as one transaction with the change of the version."""
        change.set(keys.KEYS_VERSION, secrets.token_hex(8))
        change.execute()
        with Redis(connection_pool=self._redis.connection_pool, single_connection_client=True) as connection:
            connection.set(keys.KEYS_VERSION, secrets.token_hex(8))  # a write, for WAITAOF waits for its connection's
            wait_for_disk(connection)


def _read(value: str) -> KeyRecord | None:
    try:
        return KeyRecord.model_validate_json(value)
    except ValidationError as error:
        logger.error("a key in Redis cannot be read, and is not accepted: %s", error)
        return None


def _not_found(key_id: str) -> KeyNotFound:
    return KeyNotFound(f"no key {key_id!r}")
