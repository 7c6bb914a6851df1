"""The renderer: it draws for all requests of this process, batch after batch, on the event loop itself.

A batch of 16 takes some milliseconds, which is less than to hand it to another thread and to wait for the interpreter's
lock costs at every request. Between two batches the loop does what else there is; so what came meanwhile shares the
next batch, and where nothing waits a drawing begins at once. More than one core is for more processes
(`app/processes.py`). A source holds its model, so a drawing that has begun ends on it, whatever becomes the active one
meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from app.drawing.judge_cache import JudgeCache
from app.drawing.model_cache import ModelCache
from app.drawing.scheduler import BatchScheduler, Overloaded, Slice, Task
from app.drawing.shared_counts import SharedCounts
from app.drawing.sources import PickSource, Source
from app.metrics.meters import BATCHES, Meters
from models.folding import BATCH
from models.sampling import draw_batch
from models.shelf import Shelf

Gone = Callable[[bool], Awaitable[bool]]

GONE_CHECK_S = 0.05  # how often a waiting request looks whether its client is still there


class ClientGone(Exception):
    """Nobody waits for the images any more."""


class Drawn(NamedTuple):
    """Images and how they came about."""

    images: np.ndarray  # uint8 [n, H, W, C]
    waited_s: float  # until their first batch
    drawing_s: float  # from there on


@dataclass(eq=False)
class _Drawing(Task):
    source: Source = field(kw_only=True)
    done: asyncio.Future[None] = field(kw_only=True)
    pixels: np.ndarray = field(init=False)
    search: Iterator[np.ndarray] | None = field(default=None, init=False)  # for the image that a judge is to pick

    def __post_init__(self) -> None:
        self.pixels = np.empty((self.n, *self.source.G.shape.array), dtype=np.uint8)


class Renderer:
    """Draws from any model on the shelf."""

    def __init__(
        self,
        shelf: Shelf,
        datasets_dir: Path,
        imported_dir: Path,
        max_bytes: int,
        waiting: SharedCounts,
        meters: Meters | None = None,
        patience_s: float = inf,
    ) -> None:
        """`max_bytes` of models stay in memory; `waiting` counts the images that wait in all processes.

        After `patience_s` seconds a request is given up: of waiting for a model, or for its images.
        """
        self._waiting, self._meters = waiting, meters or Meters()
        torch.set_num_threads(1)  # of every thread of the process that has not drawn yet
        self.judges = JudgeCache(datasets_dir, imported_dir, patience_s)
        self.models = ModelCache(shelf, max_bytes, self._meters, patience_s)
        self._patience_s = patience_s
        self._scheduler = BatchScheduler[_Drawing](waiting)
        self._loop = asyncio.get_running_loop()
        self._turn: asyncio.Handle | None = None

    async def render(self, source: Source, gone: Gone | None = None, caller: str | None = None) -> Drawn:
        """The images of a source: uint8 [n, H, W, C].

        `gone` says whether nobody waits for them any more, and is told whether others wait; they are not drawn then.
        `caller` is whose key they are drawn for, so that the room to wait in is shared fairly. Raises Overloaded when
        too much waits already, or these wait for too long, or ClientGone.
        """
        drawing = _Drawing(source.G, source.n, source.cost, caller, source=source, done=self._loop.create_future())
        self._scheduler.add(drawing)
        if self._turn is None:
            self._turn = self._loop.call_soon(self._draw_next)
        try:
            if gone is not None and self._scheduler.waiting > BATCH:  # else it is drawn before anyone could go
                await self._watch(drawing, gone)
            await drawing.done
        finally:
            if drawing.left:
                self._scheduler.remove([drawing])
        drawn = Drawn(drawing.pixels, drawing.began_at - drawing.asked_at, time.monotonic() - drawing.began_at)
        self._meters.drew(drawing.n, drawn.waited_s, drawn.drawing_s)
        return drawn

    async def warm_up(self, model_id: str) -> None:
        """Load a model, which draws once with it, so that the first request waits for neither."""
        await self.models.get(model_id)

    def loaded(self) -> list[str]:
        """The ids of the models in memory, the one that was used last at the end."""
        return self.models.keys()

    def waiting(self) -> int:
        """How many images wait in all processes."""
        return self._waiting.total()

    def close(self) -> None:
        """Draw no more."""
        if self._turn:
            self._turn.cancel()
        self.models.close()
        self.judges.close()

    async def _watch(self, drawing: _Drawing, gone: Gone) -> None:
        while not (await asyncio.wait([drawing.done], timeout=GONE_CHECK_S))[0]:
            undrawn = f"{drawing.n - drawing.taken} of {drawing.n} images are not drawn"
            if await gone(self._scheduler.waiting_everywhere > drawing.left):
                raise ClientGone(f"the client has gone: {undrawn}")
            if time.monotonic() - drawing.asked_at > self._patience_s:
                detail = f"{undrawn} after {self._patience_s:g} s, which is as long as a request may wait"
                raise Overloaded(self._scheduler.time_left_s(), detail)

    def _draw_next(self) -> None:
        """Draw a batch, tell those who have all their images, and let the loop go on before the next."""
        slices, began = self._scheduler.take(), time.monotonic()
        try:
            if slices and isinstance(slices[0].task.source, PickSource):
                self._search(slices[0])
            elif slices:
                _draw(slices)
                self._meters.observe(BATCHES, sum(n for _, _, n in slices))
        except Exception as error:  # whatever it is belongs to those who asked
            self._scheduler.remove([drawing for drawing, _, _ in slices])
            for drawing, _, _ in slices:
                if not drawing.done.done():
                    drawing.done.set_exception(error)
        for drawing, _, _ in slices:
            if not drawing.left and not drawing.done.done():
                drawing.done.set_result(None)
        self._scheduler.time_batch(time.monotonic() - began)
        self._turn = self._loop.call_soon(self._draw_next) if self._scheduler.waiting else None

    def _search(self, share: Slice[_Drawing]) -> None:
        """Let a judge look for an image in one more batch."""
        drawing, k, _ = share
        assert isinstance(drawing.source, PickSource)
        if drawing.search is None:
            drawing.search = drawing.source.search(k)
        best = next(drawing.search, None)
        if best is None:  # the one before was it
            drawing.search = None
        else:
            drawing.pixels[k] = best
            self._scheduler.put_back(share)


def _draw(slices: Sequence[Slice[_Drawing]]) -> None:
    """Draw the latents of all slices with one forward pass."""
    rows = [task.source.rows(first, n) for task, first, n in slices if not isinstance(task.source, PickSource)]
    images, row = draw_batch(slices[0].task.source.G, torch.cat(rows)), 0
    for task, first, n in slices:
        task.pixels[first : first + n] = images[row : row + n]
        row += n
