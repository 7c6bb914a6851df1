"""The renderer: a few threads draw for all requests, batch after batch, off the event loop.

An idle thread starts with whatever waits. A source holds its model, so a drawing finishes on the model that it began
with, even if another one becomes active meanwhile.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from app.drawing.judge_cache import JudgeCache
from app.drawing.model_cache import ModelCache
from app.drawing.scheduler import BatchScheduler, Slice, Task
from app.drawing.sources import PickSource, Source
from models.sampling import draw_batch, latents
from models.shelf import Shelf

GONE_CHECK_S = 0.05  # how often a waiting request checks whether its client is still connected

Result = asyncio.Future[None]


class ClientGone(Exception):
    """The client disconnected before its images were drawn."""


class Drawn(NamedTuple):
    """Images, and how long they took."""

    images: np.ndarray  # uint8 [n, H, W, C]
    waited_s: float  # until their first batch
    drawing_s: float  # from there on


@dataclass(eq=False)
class _Drawing(Task):
    source: Source = field(kw_only=True)
    pixels: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.pixels = np.empty((self.n, *self.source.G.shape.array), dtype=np.uint8)


class Renderer:
    """Draws from any model on the shelf."""

    def __init__(self, shelf: Shelf, datasets_dir: Path, threads: int, max_bytes: int) -> None:
        """`threads` draw at once, each on one CPU; `max_bytes` of models stay in memory."""
        torch.set_num_threads(1)  # of every thread of the process that has not drawn yet
        self.judges = JudgeCache(shelf, datasets_dir)
        self.models = ModelCache(shelf, max_bytes)
        self._scheduler = BatchScheduler[_Drawing](threads)
        self._results: dict[_Drawing, Result] = {}  # touched on the event loop alone
        self._loop = asyncio.get_running_loop()
        self._threads = [threading.Thread(target=self._work, name="renderer", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    async def render(self, source: Source, gone: Callable[[], Awaitable[bool]] | None = None) -> Drawn:
        """The images of a source: uint8 [n, H, W, C].

        `gone` tells whether the client has disconnected; the rest is not drawn then. Raises Overloaded, or ClientGone.
        """
        drawing, result = _Drawing(source.G, source.n, source.cost, source=source), self._loop.create_future()
        self._scheduler.add(drawing)
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
                self._scheduler.remove([drawing])
        return Drawn(drawing.pixels, drawing.began_at - drawing.asked_at, time.monotonic() - drawing.began_at)

    async def warm_up(self, model_id: str) -> None:
        """Load a model and draw one image, so that the first request waits for neither."""
        G = await self.models.get(model_id)
        await asyncio.to_thread(draw_batch, G, latents(0, 0, 1, G.z_dim, G.classes))

    def loaded(self) -> list[str]:
        """The ids of the models in memory, the most recently used one last."""
        return self.models.keys()

    def close(self) -> None:
        """Finish the batches in progress, and end the threads."""
        self._scheduler.close()
        for thread in self._threads:
            thread.join()
        self.models.close()
        self.judges.close()

    def _work(self) -> None:
        while slices := self._scheduler.take():
            began, error = time.monotonic(), None
            try:
                _draw(slices)
            except Exception as raised:  # any error belongs to the requests of this batch
                error = raised
            ended = self._scheduler.end(slices, time.monotonic() - began)
            if error:
                ended = [task for task, _, _ in slices]
                self._scheduler.remove(ended)
            if ended:
                self._loop.call_soon_threadsafe(self._tell, ended, error)

    def _tell(self, ended: list[_Drawing], error: Exception | None) -> None:
        for drawing in ended:
            result = self._results.get(drawing)
            if result is None or result.done():
                continue
            if error:
                result.set_exception(error)
            else:
                result.set_result(None)


def _draw(slices: Sequence[Slice[_Drawing]]) -> None:
    """Draw a batch: all its slices with one forward pass, or one picked image, whose cost fills the batch."""
    drawing, first, n = slices[0]
    if isinstance(drawing.source, PickSource):
        drawing.pixels[first : first + n] = drawing.source.images(first, n)
        return
    rows = [task.source.rows(first, n) for task, first, n in slices if not isinstance(task.source, PickSource)]
    images, row = draw_batch(drawing.source.G, torch.cat(rows)), 0
    for task, first, n in slices:
        task.pixels[first : first + n] = images[row : row + n]
        row += n
