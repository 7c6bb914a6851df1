"""Who is drawn for next: the drawings that wait take turns of one batch.

A turn belongs to the drawing that has waited longest for one. Where it leaves room in the batch, those behind it that
are for the same model fill it up. So 16 drawings of one image cost one forward pass, one of 256 images comes back 16
times, and whoever came after it waits for one batch of it at a time, not for all.

Several turns go on at once where whole batches wait. A batch takes less time than its images one by one, so fewer wait
for a turn to end, and share the next one.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import ceil
from typing import NamedTuple

import numpy as np
from torch import Tensor

from models.folding import BATCH, FoldedGenerator
from models.judge import Judge
from models.sampling import latents

MAX_WAITING = 4096  # images
NEWEST_TURN = 0.1  # its weight in the average time of a turn


class Overloaded(Exception):
    """More images are waited for than will be drawn in good time."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many drawings are waiting")
        self.retry_after_s = retry_after_s


@dataclass(eq=False)
class Drawing:
    """Images that somebody waits for."""

    G: FoldedGenerator
    seed: int
    start: int
    n: int
    digits: Sequence[int] | None = None
    judge: Judge | None = None  # that picks them, where the model knows no classes
    make: Callable[[FoldedGenerator], Tensor] | None = None  # its latents [n, ...], where they are not those of a seed
    asked_at: float = field(default_factory=time.monotonic)
    began_at: float = 0.0
    taken: int = 0  # images that a turn was given to
    drawn: int = 0  # and those whose turn is over

    def __post_init__(self) -> None:
        self.pixels = np.empty((self.n, *self.G.shape.array), dtype=np.uint8)

    @cached_property
    def _made(self) -> Tensor:
        assert self.make is not None
        return self.make(self.G)

    def latents(self, first: int, n: int) -> Tensor:
        """Those of its images `first` to `first + n - 1`."""
        if self.make is not None:
            return self._made[first : first + n]
        return latents(self.seed, self.start + first, n, self.G.z_dim, self.G.classes, self.digits)

    @property
    def picked(self) -> bool:
        """Whether the judge picks its images. They share no batch: a turn is one of them, and up to 8 batches."""
        return self.judge is not None

    @property
    def left(self) -> int:
        """How much it has to wait for, in images; a picked one counts as a batch."""
        return (self.n - self.taken) * (BATCH if self.picked else 1)


class Part(NamedTuple):
    """What one turn draws for a drawing: its images `first` to `first + n - 1`."""

    drawing: Drawing
    first: int
    n: int


class Turns:
    """The drawings that wait. Any thread may call any method."""

    def __init__(self, at_once: int) -> None:
        """So many turns are drawn at once."""
        self._at_once = at_once
        self._changed = threading.Condition()
        self._waiting: deque[Drawing] = deque()
        self._going_on = 0  # turns
        self._closed = False
        self._turn_s = 0.01

    def add(self, drawing: Drawing) -> None:
        """Let it wait for its turn. Raises Overloaded."""
        with self._changed:
            waiting = self._images()
            if waiting >= MAX_WAITING:
                raise Overloaded(ceil(waiting / BATCH * self._turn_s / self._at_once))
            self._waiting.append(drawing)
            self._wake_another()

    def remove(self, drawings: Sequence[Drawing]) -> None:
        """Give them no more turns."""
        with self._changed:
            self._waiting = deque(other for other in self._waiting if other not in drawings)

    def take(self) -> list[Part]:
        """Wait for the next turn, and what to draw in it: images of one model, at most a batch. Nothing once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_due())
            if self._closed:
                return []
            self._going_on += 1
            head = self._waiting.popleft()
            if head.picked:
                parts = [_take(head, 1)]
            else:
                parts, room = [], BATCH
                for drawing in chain([head], self._waiting):
                    if drawing.G is head.G and not drawing.picked:
                        parts.append(_take(drawing, room))
                        room -= parts[-1].n
                        if room == 0:
                            break
                if len(parts) > 1:
                    self._waiting = deque(drawing for drawing in self._waiting if drawing.left)
            if head.left:
                self._waiting.append(head)
            self._wake_another()
            return parts

    def end(self, parts: Sequence[Part], seconds: float) -> list[Drawing]:
        """Note that a turn is over, and how long it took. The drawings that wait for nothing any more."""
        with self._changed:
            self._going_on -= 1
            self._turn_s += NEWEST_TURN * (seconds - self._turn_s)
            for part in parts:
                part.drawing.drawn += part.n
        return [part.drawing for part in parts if part.drawing.drawn == part.drawing.n]

    def close(self) -> None:
        """Give no more turns."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _images(self) -> int:
        return sum(drawing.left for drawing in self._waiting)

    def _is_due(self) -> bool:
        """Whether a turn is to begin now."""
        return self._images() >= (BATCH if self._going_on else 1)

    def _wake_another(self) -> None:
        if self._is_due():
            self._changed.notify()


def _take(drawing: Drawing, room: int) -> Part:
    if not drawing.taken:
        drawing.began_at = time.monotonic()
    part = Part(drawing, drawing.taken, min(room, drawing.n - drawing.taken))
    drawing.taken += part.n
    return part
