"""Models that another machine added a moment ago: who misses one looks for it before saying that there is none."""

from collections.abc import Callable
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool

from core.errors import ModelNotFound
from models.shelf import Shelf

Found = TypeVar("Found")


def looking(shelf: Shelf, ask: Callable[[], Found]) -> Found:
    """What `ask` says of the shelf. Where it raises ModelNotFound it is asked again, if there was something to look at.

    For threads that may wait.
    """
    try:
        return ask()
    except ModelNotFound:
        if not shelf.look():
            raise
    return ask()


async def looking_aside(shelf: Shelf, ask: Callable[[], Found]) -> Found:
    """The same for the event loop."""
    try:
        return ask()
    except ModelNotFound:
        if not await run_in_threadpool(shelf.look):
            raise
    return ask()
