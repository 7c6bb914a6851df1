"""Loaded models stay in memory up to a bound; the least recently used one is evicted and reloaded on demand."""

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from math import inf
from typing import Generic, Protocol, TypeVar

from app.drawing.scheduler import Overloaded
from app.metrics.meters import Gauge, Meters
from core.errors import ModelNotFound
from models.checkpoint import load_generator
from models.dcgan import Generator
from models.folding import FoldedGenerator
from models.sampling import draw_batch, latents
from models.shelf import Shelf

CARDS = 256  # held in memory
FETCHED_AT_ONCE = 4  # models, from a store
SOON_S = 5  # when one may ask again


class Sized(Protocol):
    """An object that takes memory."""

    @property
    def size(self) -> int:
        """Bytes of weights."""
        ...


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value", bound=Sized)


class Cache(ABC, Generic[Key, Value]):
    """A least-recently-used cache that loads in its own thread. For use on the event loop."""

    def __init__(self, max_bytes: int, patience_s: float = inf) -> None:
        """`patience_s` is how long anybody waits for a value."""
        self._max_bytes, self._patience_s = max_bytes, patience_s
        self._held: OrderedDict[Key, Value] = OrderedDict()  # least recently used first
        self._loading: dict[Key, asyncio.Future[Value]] = {}
        self._loader = ThreadPoolExecutor(1, "loader")

    async def get(self, key: Key) -> Value:
        """Return a value, loading it if needed; concurrent calls share one load.

        Raises as `_load` does, and Overloaded where it takes too long.
        """
        return await self._get(key, self._begin)

    async def _get(self, key: Key, begin: Callable[[Key], asyncio.Future[Value]]) -> Value:
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        if key not in self._loading:
            loading = self._loading[key] = begin(key)
            loading.add_done_callback(lambda done: self._keep(key, done))
        try:
            async with asyncio.timeout(self._patience_s) as limit:
                return await asyncio.shield(self._loading[key])
        except TimeoutError as error:
            if not limit.expired():  # a file's
                raise
            detail = f"a model is not loaded after {self._patience_s:g} s, which is as long as a request may wait"
            raise Overloaded(SOON_S, detail) from error

    def keys(self) -> list[Key]:
        """The keys in memory, the most recently used one last."""
        return list(self._held)

    def close(self) -> None:
        """End the thread."""
        self._loader.shutdown()

    def _begin(self, key: Key) -> asyncio.Future[Value]:
        return asyncio.get_running_loop().run_in_executor(self._loader, self._load, key)

    @abstractmethod
    def _load(self, key: Key) -> Value: ...

    def _keep(self, key: Key, loading: asyncio.Future[Value]) -> None:
        """Store a loaded value, and evict others until all fit. The newest one always stays."""
        del self._loading[key]
        if loading.cancelled() or loading.exception():
            return
        self._held[key] = loading.result()
        while len(self._held) > 1 and sum(value.size for value in self._held.values()) > self._max_bytes:
            self._held.popitem(last=False)


class ModelCache(Cache[str, FoldedGenerator]):
    """Generators by model id, ready to draw. `get` raises ModelNotFound or CheckpointError."""

    def __init__(self, shelf: Shelf, max_bytes: int, meters: Meters, patience_s: float = inf) -> None:
        super().__init__(max_bytes, patience_s)
        self._shelf, self._meters = shelf, meters
        self.card = lru_cache(CARDS)(shelf.card)  # a model never changes
        self._fetcher = ThreadPoolExecutor(FETCHED_AT_ONCE, "fetching")  # beside the loads of what is here

    async def get_read(self, key: str, read: Callable[[], Generator]) -> FoldedGenerator:
        """As `get`, of weights with this id that need not be on the shelf: `read` loads them, in a thread.

        Raises as `read` does, and Overloaded.
        """
        run = asyncio.get_running_loop().run_in_executor
        return await self._get(key, lambda _: run(self._loader, lambda: _ready(read())))

    def close(self) -> None:
        """End the threads. What is being fetched from a store is not waited for."""
        super().close()
        self._fetcher.shutdown(wait=False, cancel_futures=True)

    def _begin(self, key: str) -> asyncio.Future[FoldedGenerator]:
        with suppress(ModelNotFound):  # as the load finds out too
            if not self._shelf.has_weights(key):
                return asyncio.ensure_future(self._fetch_and_load(key))
        return super()._begin(key)

    async def _fetch_and_load(self, key: str) -> FoldedGenerator:
        await asyncio.get_running_loop().run_in_executor(self._fetcher, self._shelf.fetch_weights, key)
        return await super()._begin(key)

    def _load(self, key: str) -> FoldedGenerator:
        return _ready(self._shelf.reading(key, load_generator))

    def _keep(self, key: str, loading: asyncio.Future[FoldedGenerator]) -> None:
        super()._keep(key, loading)
        self._meters.set(Gauge.MODELS, len(self._held))
        self._meters.set(Gauge.MODEL_BYTES, sum(model.size for model in self._held.values()))


def _ready(loaded: Generator) -> FoldedGenerator:
    G = FoldedGenerator.of(loaded)
    draw_batch(G, latents(0, 0, 1, G.z_dim, G.classes))  # which finds out what G keeps, and takes long the first time
    return G
