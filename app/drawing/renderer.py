"""The studio: a few threads that draw for all requests, batch after batch.

All drawing is done in those threads, off the event loop. Where nothing is drawn, the next turn begins with whatever
waits. A drawing holds its model, so one that has begun ends on it, whatever becomes the active one meanwhile.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from app.drawing.judges import Judges
from app.drawing.model_cache import LoadedModels
from app.drawing.scheduler import Drawing, Part, Turns
from models.folding import FoldedGenerator
from models.picking import pick
from models.sampling import draw_batch, latents
from models.shelf import Shelf

GONE_CHECK_S = 0.05  # how often a waiting request looks whether its client is still there

Result = asyncio.Future[None]


class UnknownDigit(Exception):
    """A digit that a model cannot draw."""


class ClientGone(Exception):
    """Nobody waits for the images any more."""


class Drawn(NamedTuple):
    """Images and how they came about."""

    images: np.ndarray  # uint8 [n, H, W, C]
    waited_s: float  # until their first turn
    drawing_s: float  # from there on


class Studio:
    """Draws from the active model, or from any other on the shelf."""

    def __init__(self, shelf: Shelf, datasets_dir: Path, threads: int, max_bytes: int) -> None:
        """`threads` draw at once, each on one CPU; `max_bytes` of models stay in memory."""
        torch.set_num_threads(1)  # of every thread of the process that has not drawn yet
        self.judges = Judges(shelf, datasets_dir)
        self._models = LoadedModels(shelf, max_bytes)
        self._turns = Turns(threads)
        self._results: dict[Drawing, Result] = {}  # touched on the event loop alone
        self._loop = asyncio.get_running_loop()
        self._threads = [threading.Thread(target=self._work, name="studio", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    async def draw(
        self,
        model_id: str,
        seed: int,
        start: int,
        n: int,
        digits: Sequence[int] | None = None,
        judge_id: str | None = None,
        gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> Drawn:
        """Images `start` to `start + n - 1` of a seed from a model.

        With `digits`, image k is of the k-th of them, cycling; with a judge, that one picks it. `gone` says whether
        nobody waits for them any more; they are not drawn then. Raises ModelNotFound, JudgeNotFound, CheckpointError,
        UnknownDigit, Overloaded when too much waits already, or ClientGone.
        """
        G = await self._models.get(model_id)
        judge = await self.judges.of(model_id, judge_id) if judge_id else None
        _check(digits, judge.classes if judge else G.classes)
        return await self._drawn(Drawing(G, seed, start, n, digits, judge), gone)

    async def draw_latents(
        self,
        model_id: str,
        n: int,
        make: Callable[[FoldedGenerator], Tensor],
        digits: Sequence[int] | None = None,
        gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> Drawn:
        """The images of the latents [n, z_dim + classes] that `make` gives for a model's G.

        `digits` are those in its rows. No judge picks among such images. Raises as `draw` does.
        """
        G = await self._models.get(model_id)
        _check(digits, G.classes)
        return await self._drawn(Drawing(G, 0, 0, n, make=make), gone)

    async def _drawn(self, drawing: Drawing, gone: Callable[[], Awaitable[bool]] | None) -> Drawn:
        result = self._loop.create_future()
        self._turns.add(drawing)
        self._results[drawing] = result
        try:
            while not (await asyncio.wait([result], timeout=GONE_CHECK_S if gone else None))[0]:
                if gone and await gone():
                    raise ClientGone(
                        f"the client has gone: {drawing.n - drawing.taken} of {drawing.n} images are not drawn"
                    )
            result.result()
        finally:
            del self._results[drawing]
            if drawing.left:
                self._turns.remove([drawing])
        return Drawn(drawing.pixels, drawing.began_at - drawing.asked_at, time.monotonic() - drawing.began_at)

    async def warm_up(self, model_id: str) -> None:
        """Load a model and draw once with it, so that the first request waits for neither."""
        G = await self._models.get(model_id)
        await asyncio.to_thread(draw_batch, G, latents(0, 0, 1, G.z_dim, G.classes))

    def loaded(self) -> list[str]:
        """The ids of the models in memory, the one that was used last at the end."""
        return self._models.keys()

    def close(self) -> None:
        """Finish the turns that were begun, and end the threads."""
        self._turns.close()
        for thread in self._threads:
            thread.join()
        self._models.close()
        self.judges.close()

    def _work(self) -> None:
        """Draw, turn after turn."""
        while parts := self._turns.take():
            began, error = time.monotonic(), None
            try:
                _draw(parts)
            except Exception as raised:  # whatever it is belongs to those who asked
                error = raised
            ended = self._turns.end(parts, time.monotonic() - began)
            if error:
                ended = [part.drawing for part in parts]
                self._turns.remove(ended)
            if ended:
                self._loop.call_soon_threadsafe(self._tell, ended, error)

    def _tell(self, ended: list[Drawing], error: Exception | None) -> None:
        for drawing in ended:
            result = self._results.get(drawing)
            if result is None or result.done():
                continue
            if error:
                result.set_exception(error)
            else:
                result.set_result(None)


def _check(digits: Sequence[int] | None, classes: int) -> None:
    if digits and max(digits) >= classes:
        allowed = f"0 to {classes - 1}" if classes else "none: the model has no classes, its data set no judge"
        raise UnknownDigit(f"the model cannot draw {max(digits)}; allowed: {allowed}")


def _draw(parts: Sequence[Part]) -> None:
    """Draw what a turn is for: one picked image, or a batch."""
    drawing, first, n = parts[0]
    if drawing.judge is not None:
        assert drawing.digits is not None
        start = drawing.start + first
        drawing.pixels[first] = pick(drawing.G, drawing.judge, drawing.seed, start, n, drawing.digits)[0]
        return
    images, row = draw_batch(drawing.G, torch.cat([d.latents(first, n) for d, first, n in parts])), 0
    for drawing, first, n in parts:
        drawing.pixels[first : first + n] = images[row : row + n]
        row += n
