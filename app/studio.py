"""The studio: loaded generators, and the one thread that draws with them.

All of torch runs in that thread, off the event loop, so the loaded models need no lock.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.checkpoint import load_generator
from models.dcgan import Generator
from models.judge import FOLDER, Judge, load_judge
from models.picking import pick
from models.sampling import draw, draw_latents
from models.shelf import Shelf

MAX_LOADED = 4
MAX_WAITING = 64


class Overloaded(Exception):
    """More requests wait than the studio will ever answer in good time."""


class UnknownDigit(Exception):
    """A digit that a model cannot draw."""


class Loaded(NamedTuple):
    """A model in memory."""

    G: Generator
    judge: Judge | None  # of a model without classes, where its data set has one

    @property
    def digits(self) -> int:
        """How many digits can be asked for: those from 0 to one less."""
        return self.judge.classes if self.judge else self.G.classes


class Studio:
    """Draws from the active model, or from any other on the shelf."""

    def __init__(self, shelf: Shelf, datasets_dir: Path, threads: int) -> None:
        self._shelf = shelf
        self._datasets_dir = datasets_dir
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()  # least recently used first
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, "studio", torch.set_num_threads, (threads,))

    async def draw(
        self, model_id: str, seed: int, start: int, n: int, digits: Sequence[int] | None = None
    ) -> np.ndarray:
        """Images `start` to `start + n - 1` of a seed from a model: uint8 [n, 28, 28].

        With `digits`, image k is of the k-th of them, cycling. Raises ModelNotFound, CheckpointError, UnknownDigit, or
        Overloaded when too many requests wait already.
        """
        return await self._in_turn(lambda: _draw(self._model(model_id), seed, start, n, digits))

    async def draw_latents(
        self, model_id: str, make: Callable[[Generator], Tensor], digits: Sequence[int] | None = None
    ) -> np.ndarray:
        """The images of the latents [n, z_dim + classes] that `make` gives for a model's G: uint8 [n, 28, 28].

        `digits` are those in its rows. A model without classes draws none of them, for the judge picks among the
        latents of a seed. Raises as `draw` does.
        """
        return await self._in_turn(lambda: _draw_latents(self._model(model_id), make, digits))

    async def warm_up(self, model_id: str) -> None:
        """Load a model and draw once with it, so that the first request waits for neither."""
        await self.draw(model_id, 0, 0, 1)

    def has_loaded(self) -> bool:
        """Whether any model is loaded and warm."""
        return bool(self._loaded)

    def close(self) -> None:
        """Finish what was begun and end the thread."""
        self._thread.shutdown()

    async def _in_turn(self, work: Callable[[], np.ndarray]) -> np.ndarray:
        if self._waiting >= MAX_WAITING:
            raise Overloaded
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _model(self, model_id: str) -> Loaded:
        if model_id not in self._loaded:
            self._loaded[model_id] = self._load(model_id)
            while len(self._loaded) > MAX_LOADED:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(model_id)
        return self._loaded[model_id]

    def _load(self, model_id: str) -> Loaded:
        G = load_generator(self._shelf.folder(model_id))
        judge_folder = self._datasets_dir / self._shelf.card(model_id).recipe.dataset / FOLDER
        return Loaded(G, load_judge(judge_folder) if not G.classes and judge_folder.is_dir() else None)


def _draw(model: Loaded, seed: int, start: int, n: int, digits: Sequence[int] | None) -> np.ndarray:
    _refuse_unknown(model, digits)
    if digits and model.judge:
        return pick(model.G, model.judge, seed, start, n, digits)
    return draw(model.G, seed, start, n, digits)


def _draw_latents(model: Loaded, make: Callable[[Generator], Tensor], digits: Sequence[int] | None) -> np.ndarray:
    _refuse_unknown(model, digits)
    if digits and model.judge:
        raise UnknownDigit("the judge picks among the images of a seed; allowed: without interpolate and truncation")
    return draw_latents(model.G, make(model.G))


def _refuse_unknown(model: Loaded, digits: Sequence[int] | None) -> None:
    if digits and max(digits) >= model.digits:
        allowed = (
            f"0 to {model.digits - 1}" if model.digits else "none: the model has no classes, its data set no judge"
        )
        raise UnknownDigit(f"the model cannot draw {max(digits)}; allowed: {allowed}")
