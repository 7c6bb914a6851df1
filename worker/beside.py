"""Work that takes its time, in a thread, while its caller goes on beating."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def in_a_thread(work: Callable[[], T], tick: Callable[[], object], every_s: float) -> T:
    """What `work` comes to, or raises; `tick` is called again and again meanwhile."""
    with ThreadPoolExecutor(1, "work") as pool:
        future = pool.submit(copy_context().run, work)
        while not wait([future], every_s).done:
            tick()
        return future.result()
