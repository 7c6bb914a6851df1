"""A store over files that dies, or is away, when a test wants it to."""

from pathlib import Path

from core.errors import StoreAway
from objects.files import FileStore
from objects.ticking import TickingStore


class Killed(BaseException):
    """The process ends here, as by SIGKILL."""


class MortalStore(TickingStore):
    """A FileStore. `calls_left` calls succeed, and the next one raises; `is_away` lets all of them raise StoreAway."""

    def __init__(self, root: Path, calls_left: int | None = None) -> None:
        super().__init__(FileStore(root), self._count)
        self.calls_left, self.is_away, self.calls = calls_left, False, 0

    def _count(self) -> None:
        if self.is_away:
            raise StoreAway("the store is away")
        if self.calls_left is not None and self.calls >= self.calls_left:
            raise Killed
        self.calls += 1
