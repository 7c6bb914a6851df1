"""Which keys are valid, in memory: a request costs one look into a dictionary and one hash, and Redis nothing.

All keys are read again within CHECK_S of each change. A key that is not there may be seconds old, so whoever comes with
one waits for another look at Redis; all who wait share it, and looks are APART_S apart, however many wrong keys come.

A look that succeeded is trusted for TRUSTED_S. While Redis is away, the keys that it found go on for KEPT_S, for what
changes nothing. Keys of a file need no Redis.
"""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from math import inf
from pathlib import Path
from typing import Self

from redis import RedisError

from access.key import ID_PLACE, digest, is_key
from access.key_file import KeyFile
from access.key_record import KeyRecord
from access.key_store import KeyStore, StoredKeys
from access.required import marker, require
from core.access import ANYBODY_ID, Caller
from core.errors import KeyRefused, KeysAway
from core.settings import Settings

logger = logging.getLogger(__name__)

CHECK_S = 2.0
TRUSTED_S = 5.0
KEPT_S = 600.0
APART_S = 0.05
USES_NOTED_S = 60.0  # between two notes of when keys were last used


@dataclass(frozen=True, slots=True)
class _Known:
    """A key as it is compared with."""

    caller: Caller
    sha256: bytes
    until: float  # seconds since 1970
    previous: bytes
    previous_until: float
    in_file: bool

    @classmethod
    def of(cls, record: KeyRecord, in_file: bool) -> Self:
        return cls(
            caller=record.caller(),
            sha256=bytes.fromhex(record.sha256),
            until=_seconds(record.expires_at, inf),
            previous=bytes.fromhex(record.previous_sha256 or ""),
            previous_until=_seconds(record.previous_until, 0.0),
            in_file=in_file,
        )


class Keyring:
    """The keys of one process of the API. For one event loop."""

    def __init__(self, store: KeyStore, file: KeyFile | None, marker: Path) -> None:
        """`marker` is the file that says that keys are asked for: see `access/required.py`."""
        self.store, self._file, self._marker = store, file, marker
        self.required = file is not None or marker.exists()  # stays so once it is
        self._stored = StoredKeys("none was read", [])
        self._known: dict[bytes, _Known] = {}
        self._confirmed = self._begun = -inf  # by the monotonic clock: the last look that succeeded, and the last one
        self._away, self._ended = False, -inf  # of the last look
        self._looking = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "keys")  # its own, so that nothing else makes a look wait
        self._used: dict[str, int] = {}
        self._uses_noted = time.monotonic()
        self._know()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """That of this deployment. Raises StartError for a file of keys that cannot be read."""
        file = KeyFile(settings.keys_file) if settings.keys_file else None
        return cls(KeyStore.of(settings), file, marker(settings))

    def at_once(self, key: bytes) -> Caller | None:
        """Whose valid key this is, where nobody has to be asked. Most requests need no more."""
        known, now = self._find(key), time.time()
        if known is None or now >= known.until or not (known.in_file or self._is_trusted(TRUSTED_S)):
            return None
        self._used[known.caller.id] = int(now)
        return known.caller

    async def caller(self, key: bytes, harmless: bool) -> Caller:
        """Whose key this is; `harmless` is whether the request changes nothing that is kept.

        Raises KeyRefused, and KeysAway where only Redis could tell.
        """
        known = self._find(key)
        if known is None or not (known.in_file or self._is_trusted(TRUSTED_S)):
            if not is_key(key):
                raise KeyRefused("this is no key: it has another form, or a typing error")
            is_sure = await self.look()
            known = self._find(key)
            if known is None:
                raise KeyRefused("this key is unknown, or was revoked") if is_sure else _away()
            if not (known.in_file or self._is_trusted(KEPT_S if harmless else TRUSTED_S)):
                raise _away()
        now = time.time()
        if now >= known.until:
            raise KeyRefused("this key has expired")
        self._used[known.caller.id] = int(now)
        return known.caller

    def rejects(self, key: bytes) -> bool:
        """Whether this was no key when they were read last. Before they were read, nobody can tell: False."""
        return self._confirmed > -inf and self._find(key) is None

    def ends(self, key: bytes) -> datetime | None:
        """When a known key stops being valid; None for never."""
        known = self._find(key)
        if known is None:
            return None
        is_current = compare_digest(digest(key), known.sha256)
        until = known.until if is_current else min(known.until, known.previous_until)
        return None if until == inf else datetime.fromtimestamp(until, UTC)

    def of_key(self, key_id: str) -> Caller | None:
        """Who has the key with an id, as of when the keys were read last."""
        known = self._known.get(key_id.encode())
        return known.caller if known else None

    def admits(self, caller: Caller) -> bool:
        """Whether someone who was let in still would be, for answers that take long."""
        if caller.id == ANYBODY_ID:
            return not self.required
        known = self._known.get(caller.id.encode())
        return known is not None and time.time() < known.until

    def filed(self) -> tuple[KeyRecord, ...]:
        """The keys of the file."""
        return self._file.records if self._file else ()

    def close(self) -> None:
        """Close the connections and end the thread."""
        self._thread.shutdown(cancel_futures=True)
        self.store.close()

    async def look(self) -> bool:
        """Have the keys as they are now; false where Redis is away. While it is, only `watch` waits for it."""
        asked = time.monotonic()
        under_way = self._away and self._looking.locked()  # a Redis that is frozen makes it last for seconds
        if not under_way and not self._is_hopeless(asked):
            async with self._looking:
                if self._begun < asked and not self._is_hopeless(asked):
                    await self._look()
        return self._confirmed >= asked

    async def watch(self) -> None:
        """Look again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(CHECK_S)
            async with self._looking:
                await self._look()

    async def _look(self) -> None:
        await asyncio.sleep(max(0.0, self._begun + APART_S - time.monotonic()))
        begun = time.monotonic()
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._read)
        except RedisError as error:
            if not self._away:
                logger.warning("Redis is away, and the keys stay as they were: %s", error)
            self._away = True
        except Exception:
            logger.exception("the keys stay as they were")
            self._away = True
        else:
            self._away, self._confirmed = False, begun
        self._begun, self._ended = begun, time.monotonic()

    def _read(self) -> None:
        """In a thread. What is read takes the place of the old in one step."""
        if self._file and self._file.look():
            self._know()
        self.required = self.required or self._marker.exists()
        if self.store.version() != self._stored.version:
            self._stored = self.store.all()
            self._know()
        if self._stored.records and not self._marker.exists():
            self.required = True
            self._mark()
        self._note_uses()

    def _know(self) -> None:
        stored = {record.id: _Known.of(record, in_file=False) for record in self._stored.records}
        filed = {record.id: _Known.of(record, in_file=True) for record in self.filed()}
        self._known = {key_id.encode(): known for key_id, known in (stored | filed).items()}

    def _mark(self) -> None:
        try:
            require(self._marker)
        except OSError as error:  # the next start has to reach Redis to know that there are keys
            logger.error("%s cannot be written: %s", self._marker, error)

    def _note_uses(self) -> None:
        if time.monotonic() - self._uses_noted >= USES_NOTED_S:
            before, self._used = self._used, {}
            used = {key_id: at for key_id, at in list(before.items()) if key_id.encode() in self._known}
            self._uses_noted = time.monotonic()
            try:
                self.store.note_use(used)
            except RedisError as error:  # such as one whose memory is full: the keys can be read all the same
                logger.warning("when keys were last used is not noted: %s", error)

    def _find(self, key: bytes) -> _Known | None:
        known = self._known.get(key[ID_PLACE])
        if known is None:
            return None
        found = digest(key)
        if compare_digest(found, known.sha256):
            return known
        goes_on = time.time() < known.previous_until and compare_digest(found, known.previous)
        return known if goes_on else None

    def _is_trusted(self, seconds: float) -> bool:
        return time.monotonic() - self._confirmed <= seconds

    def _is_hopeless(self, now: float) -> bool:
        """Whether Redis was away a moment ago; a process that was frozen meanwhile has to ask again."""
        return self._away and now - self._ended < TRUSTED_S


def _seconds(time_: datetime | None, otherwise: float) -> float:
    return otherwise if time_ is None else time_.timestamp()


def _away() -> KeysAway:
    return KeysAway("the store of keys does not answer, and nobody else can tell whether this key is valid")
