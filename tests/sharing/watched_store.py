"""A store in a folder that a test watches, hinders, and takes away."""

from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import StoreAway
from objects.files import FileStore
from objects.store import Listed, Stored


class WatchedStore(FileStore):
    """It tells which objects were put and read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.is_away = False
        self.put: list[str] = []
        self.read: list[str] = []
        self.before_put: Callable[[str], object] = lambda _: None

    def all_keys(self) -> set[str]:
        """All keys."""
        return {listed.key for listed in super().list("")}

    def get(self, key: str) -> Stored:
        self._require_there()
        self.read.append(key)
        return super().get(key)

    def list(self, prefix: str) -> Iterator[Listed]:
        self._require_there()
        return super().list(prefix)

    def delete(self, key: str) -> None:
        self._require_there()
        super().delete(key)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        self._require_there()
        self.before_put(key)
        super()._put_if(key, data, tag)
        self.put.append(key)

    def _require_there(self) -> None:
        if self.is_away:
            raise StoreAway("the test has taken it away")
