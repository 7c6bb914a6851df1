"""Models that another machine added a moment ago: who misses one looks for it before saying that there is none."""

import asyncio
import time
from collections.abc import Callable
from math import inf
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool

from core.errors import ModelNotFound
from models.shelf import Shelf

LOOK_S = 1.0  # between two looks of a process, so that unknown ids cost the store little

Found = TypeVar("Found")


class Looker:
    """Looks at the store for all requests of a process, on its event loop."""

    def __init__(self, shelf: Shelf, is_up: Callable[[], bool | None]) -> None:
        """`is_up` says whether the store answers; None where there is none."""
        self._shelf, self._is_up = shelf, is_up
        self._next: asyncio.Task[None] | None = None  # a look that has not begun yet
        self._under_way = asyncio.Lock()
        self._began = -inf

    async def find(self, ask: Callable[[], Found]) -> Found:
        """What `ask` says of the shelf. Where it raises ModelNotFound it is asked again after a look that began then.

        Without a store, or while that is away, there is nothing to look at.
        """
        try:
            return ask()
        except ModelNotFound:
            if not self._is_up():
                raise
            if self._next is None:
                self._next = asyncio.create_task(self._look())
            await asyncio.shield(self._next)
        return ask()

    async def _look(self) -> None:
        async with self._under_way:
            await asyncio.sleep(self._began + LOOK_S - time.monotonic())
            self._next, self._began = None, time.monotonic()
            await run_in_threadpool(self._shelf.look)
