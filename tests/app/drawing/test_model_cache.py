"""Models on their way into memory."""

import asyncio
import os
import threading
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD

import pytest

from app.drawing.model_cache import ModelCache
from app.metrics.meters import Meters
from core.card import GENERATOR
from core.errors import ModelNotFound
from models.checkpoint import load_generator
from models.shelf import Shelf
from objects.store import Stored
from tests.service import wait_until
from tests.sharing.machines import LossyStore, Machines
from tests.tiny import save_tiny


def waiting_bytes(pipe: int) -> int:
    return int.from_bytes(ioctl(pipe, FIONREAD, bytes(4)), "little")


def test_a_model_that_is_deleted_while_it_is_loaded_is_not_damaged(tmp_path: Path) -> None:
    """Its weights come through a pipe, so that it is known when they are being read."""
    shelf, model_id = Shelf(tmp_path / "shelf"), save_tiny(tmp_path / "model").model_id
    shelf.add(tmp_path / "model")
    weights = shelf.folder(model_id) / GENERATOR
    weights.unlink()
    os.mkfifo(weights)
    pipe = os.open(weights, os.O_RDWR)

    async def load() -> None:
        cache = ModelCache(shelf, 1_000_000, Meters())
        loading = asyncio.ensure_future(cache.get(model_id))
        os.write(pipe, b"x")
        await asyncio.to_thread(wait_until, lambda: waiting_bytes(pipe) == 0)
        shelf.delete(model_id)
        os.close(pipe)
        try:
            await loading
        finally:
            cache.close()

    with pytest.raises(ModelNotFound, match="was deleted at"):
        asyncio.run(load())


class SlowStore(LossyStore):
    """It gives nothing before `goes_on`."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()

    def get(self, key: str) -> Stored:
        if not self.goes_on.is_set():
            self.asked.set()
            assert self.goes_on.wait(20)
        return super().get(key)


def test_a_model_that_is_here_does_not_wait_for_one_that_a_slow_store_has(tmp_path: Path) -> None:
    machines, slow = Machines(tmp_path), SlowStore(tmp_path / "store")
    here, elsewhere = (machines.open("one").add(machines.checkpoint(seed)).model_id for seed in (1, 2))
    machines.store = lambda: slow
    shelf = machines.open("two")
    shelf.catch_up()
    shelf.reading(here, load_generator)
    slow.goes_on.clear()

    async def load() -> None:
        cache = ModelCache(shelf, 100_000_000, Meters())
        fetched = asyncio.ensure_future(cache.get(elsewhere))
        assert await asyncio.to_thread(slow.asked.wait, 20)
        await asyncio.wait_for(cache.get(here), 15)
        assert not fetched.done()
        slow.goes_on.set()
        await fetched
        assert cache.keys() == [here, elsewhere]
        cache.close()

    asyncio.run(load())
