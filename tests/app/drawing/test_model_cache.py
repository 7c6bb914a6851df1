"""Models on their way into memory."""

import asyncio
import os
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD

import pytest

from app.drawing.model_cache import ModelCache
from app.metrics.meters import Meters
from core.card import GENERATOR
from core.errors import ModelNotFound
from models.shelf import Shelf
from tests.service import wait_until
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
