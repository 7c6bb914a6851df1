"""The studio: loaded generators, and the one thread that draws with them.

All of torch runs in that thread, off the event loop, so the loaded models need no lock.
"""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from models.checkpoint import load_generator
from models.dcgan import Generator
from models.sampling import draw
from models.shelf import Shelf

MAX_LOADED = 4
MAX_WAITING = 64


class Overloaded(Exception):
    """More requests wait than the studio will ever answer in good time."""


class Studio:
    """Draws from the active model, or from any other on the shelf."""

    def __init__(self, shelf: Shelf, threads: int) -> None:
        self._shelf = shelf
        self._loaded: OrderedDict[str, Generator] = OrderedDict()  # least recently used first
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, "studio", torch.set_num_threads, (threads,))

    async def draw(self, model_id: str, seed: int, start: int, n: int) -> np.ndarray:
        """Images `start` to `start + n - 1` of a seed from a model: uint8 [n, 28, 28].

        Raises ModelNotFound, CheckpointError, or Overloaded when too many requests wait already.
        """
        if self._waiting >= MAX_WAITING:
            raise Overloaded
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: draw(self._generator(model_id), seed, start, n)
            )
        finally:
            self._waiting -= 1

    async def warm_up(self, model_id: str) -> None:
        """Load a model and draw once with it, so that the first request waits for neither."""
        await self.draw(model_id, 0, 0, 1)

    def has_loaded(self) -> bool:
        """Whether any model is loaded and warm."""
        return bool(self._loaded)

    def close(self) -> None:
        """Finish what was begun and end the thread."""
        self._thread.shutdown()

    def _generator(self, model_id: str) -> Generator:
        if model_id not in self._loaded:
            self._loaded[model_id] = load_generator(self._shelf.folder(model_id))
            while len(self._loaded) > MAX_LOADED:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(model_id)
        return self._loaded[model_id]
