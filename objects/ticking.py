"""A store whose every call begins with a tick."""

from collections.abc import Iterator

from core.ticking import Tick
from objects.store import Listed, ObjectStore, Stored


class TickingStore(ObjectStore):
    """Another store, for what takes many calls: the tick raises to end it, or tells that it goes on."""

    def __init__(self, store: ObjectStore, tick: Tick) -> None:
        self._store, self._tick = store, tick

    def get(self, key: str) -> Stored:
        """As the store's."""
        self._tick()
        return self._store.get(key)

    def get_unless(self, key: str, tag: str | None) -> Stored | None:
        """As the store's."""
        self._tick()
        return self._store.get_unless(key, tag)

    def list(self, prefix: str) -> Iterator[Listed]:
        """As the store's."""
        for listed in self._store.list(prefix):
            self._tick()
            yield listed

    def delete(self, key: str) -> None:
        """As the store's."""
        self._tick()
        self._store.delete(key)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        self._tick()
        self._store._put_if(key, data, tag)
