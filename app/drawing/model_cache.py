"""What was loaded stays in memory, up to a bound: the one that was not used for the longest time goes first."""

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from core.image_shape import ImageShape
from models.checkpoint import load_generator
from models.folding import FoldedGenerator
from models.shelf import Shelf


class Sized(Protocol):
    """What takes memory."""

    @property
    def size(self) -> int:
        """Bytes of weights."""
        ...


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value", bound=Sized)


class Cache(ABC, Generic[Key, Value]):
    """Loads in a thread of its own, so that drawing goes on. For use on the event loop."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[Key, Value] = OrderedDict()  # least recently used first
        self._loading: dict[Key, asyncio.Future[Value]] = {}
        self._loader = ThreadPoolExecutor(1, "loader")

    async def get(self, key: Key) -> Value:
        """One of them, loaded where it is not in memory, once for all who wait. Raises as `_load` does."""
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        if key not in self._loading:
            loading = asyncio.get_running_loop().run_in_executor(self._loader, self._load, key)
            self._loading[key] = loading
            loading.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(self._loading[key])

    def keys(self) -> list[Key]:
        """The keys of all in memory, the one that was used last at the end."""
        return list(self._held)

    def close(self) -> None:
        """End the thread."""
        self._loader.shutdown()

    @abstractmethod
    def _load(self, key: Key) -> Value: ...

    def _keep(self, key: Key, loading: asyncio.Future[Value]) -> None:
        """Hold what was loaded, and let go what has no more room."""
        del self._loading[key]
        if loading.cancelled() or loading.exception():
            return
        self._held[key] = loading.result()
        while len(self._held) > 1 and sum(value.size for value in self._held.values()) > self._max_bytes:
            self._held.popitem(last=False)


class ModelCache(Cache[str, FoldedGenerator]):
    """The models in memory by their ids, ready to draw. `get` raises ModelNotFound or CheckpointError."""

    def __init__(self, shelf: Shelf, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._shelf = shelf

    def shape(self, model_id: str) -> ImageShape:
        """Of the images of a model; one that is not in memory is not loaded. Raises as `Shelf.card` does."""
        held = self._held.get(model_id)
        return held.shape if held else self._shelf.card(model_id).image_shape

    def _load(self, key: str) -> FoldedGenerator:
        return FoldedGenerator.of(load_generator(self._shelf.folder(key)))
