"""A circuit breaker (Nygard, Release It!, 2007) for a store: while that answers nobody, nobody waits for it.

A store that refuses connections costs its callers little. One that is frozen, or behind a cut line, keeps each of them
until a time-out, and with them the threads that all routes of the API share, and the sweeper at each of many jobs.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import StoreAway
from objects.store import Listed, ObjectStore, Stored, Unclear

LONG_S = 1.0  # who is told nothing for so long has waited in vain
AGAIN_S = 1.0  # between two looks whether it answers again
NOTHING = "scratch/none"  # a key that is not there


class Breaker(ObjectStore):
    """Another store. Once a call has waited in vain, all raise StoreAway at once, until a thread finds it answering."""

    def __init__(self, store: ObjectStore, long_s: float = LONG_S) -> None:
        self._store, self._long_s = store, long_s
        self._lock = threading.Lock()
        self._fault: StoreAway | None = None  # while it is open

    def get(self, key: str) -> Stored:
        """As the store's."""
        with self._asking():
            return self._store.get(key)

    def get_unless(self, key: str, tag: str | None) -> Stored | None:
        """As the store's."""
        with self._asking():
            return self._store.get_unless(key, tag)

    def list(self, prefix: str) -> Iterator[Listed]:
        """As the store's."""
        with self._asking():
            found = iter(self._store.list(prefix))
        while True:
            with self._asking():
                listed = next(found, None)
            if listed is None:
                return
            yield listed

    def delete(self, key: str) -> None:
        """As the store's."""
        with self._asking():
            self._store.delete(key)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        with self._asking():
            self._store._put_if(key, data, tag)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        if (fault := self._fault) is not None:
            raise StoreAway(str(fault))
        began = time.monotonic()
        try:
            yield
        except Unclear:  # a put, which may take longer by a slow line
            raise
        except StoreAway as error:
            if time.monotonic() - began >= self._long_s:
                self._open(error)
            raise

    def _open(self, fault: StoreAway) -> None:
        with self._lock:
            if self._fault is None:
                self._fault = fault
                threading.Thread(target=self._close_once_answered, name="breaker", daemon=True).start()

    def _close_once_answered(self) -> None:
        is_away = True
        while is_away:
            time.sleep(AGAIN_S)
            try:
                self._store.get(NOTHING)
                is_away = False
            except StoreAway as error:
                self._fault = error
            except Exception:  # such as that it is not there
                is_away = False
        self._fault = None
