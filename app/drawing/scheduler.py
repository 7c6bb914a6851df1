"""Which tasks share the next batch. The scheduler knows how many images a task has and what each costs, nothing else.

The task that has waited longest for a batch heads the next one. Tasks of the same model fill the room that it leaves.
So 16 tasks of one image cost one forward pass. A task of 256 images takes 16 turns, and tasks behind it wait for one
of its batches at a time, not for all 16.

Several batches are drawn at once only while full ones wait. A batch takes less time than its images one by one, so
fewer images than that wait until a batch ends, and share the next one.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import ceil
from typing import Generic, NamedTuple, TypeVar

from models.folding import BATCH

MAX_WAITING = 4096  # images
NEWEST_BATCH = 0.1  # its weight in the average time of a batch


class Overloaded(Exception):
    """Too many images are waiting already."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many drawings are waiting")
        self.retry_after_s = retry_after_s


@dataclass(eq=False)
class Task:
    """Images to draw for one request."""

    model: object  # only tasks of the same object share a batch
    n: int
    cost: int = 1  # of an image, in images of a batch: 1..BATCH
    asked_at: float = field(default_factory=time.monotonic, init=False)
    began_at: float = field(default=0.0, init=False)
    taken: int = field(default=0, init=False)  # images in batches so far
    drawn: int = field(default=0, init=False)  # images in finished batches

    @property
    def left(self) -> int:
        """The cost of the images that still wait."""
        return (self.n - self.taken) * self.cost


TaskT = TypeVar("TaskT", bound=Task)


class Slice(NamedTuple, Generic[TaskT]):
    """A task's share of a batch: its images `first` to `first + n - 1`."""

    task: TaskT
    first: int
    n: int


class BatchScheduler(Generic[TaskT]):
    """A queue of tasks that hands out batches. Any thread may call any method."""

    def __init__(self, threads: int) -> None:
        """`threads` is how many batches are drawn at once at most; the estimate of a wait depends on it."""
        self._threads = threads
        self._changed = threading.Condition()
        self._waiting: deque[TaskT] = deque()
        self._in_progress = 0  # batches
        self._closed = False
        self._batch_s = 0.01

    def add(self, task: TaskT) -> None:
        """Queue a task. Raises Overloaded."""
        with self._changed:
            waiting = self._cost()
            if waiting >= MAX_WAITING:
                raise Overloaded(ceil(waiting / BATCH * self._batch_s / self._threads))
            self._waiting.append(task)
            self._wake_another()

    def remove(self, tasks: Sequence[TaskT]) -> None:
        """Give these tasks no more batches."""
        with self._changed:
            self._waiting = deque(other for other in self._waiting if other not in tasks)

    def take(self) -> list[Slice[TaskT]]:
        """Wait for the next batch: slices of one model that cost at most `BATCH` together. Empty once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_due())
            if self._closed:
                return []
            self._in_progress += 1
            head = self._waiting.popleft()
            slices, room = [], BATCH
            for task in chain([head], self._waiting):
                if task.model is head.model and task.cost <= room:
                    slices.append(_take(task, room))
                    room -= slices[-1].n * task.cost
                    if room == 0:
                        break
            if len(slices) > 1:
                self._waiting = deque(task for task in self._waiting if task.left)
            if head.left:
                self._waiting.append(head)
            self._wake_another()
            return slices

    def end(self, slices: Sequence[Slice[TaskT]], seconds: float) -> list[TaskT]:
        """Record that a batch is done, and how long it took. Returns the tasks that it completes."""
        with self._changed:
            self._in_progress -= 1
            self._batch_s += NEWEST_BATCH * (seconds - self._batch_s)
            for task, _, n in slices:
                task.drawn += n
        return [task for task, _, _ in slices if task.drawn == task.n]

    def close(self) -> None:
        """Hand out no more batches."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _cost(self) -> int:
        return sum(task.left for task in self._waiting)

    def _is_due(self) -> bool:
        """Whether a batch should begin now."""
        return self._cost() >= (BATCH if self._in_progress else 1)

    def _wake_another(self) -> None:
        if self._is_due():
            self._changed.notify()


def _take(task: TaskT, room: int) -> Slice[TaskT]:
    if not task.taken:
        task.began_at = time.monotonic()
    taken = Slice(task, task.taken, min(room // task.cost, task.n - task.taken))
    task.taken += taken.n
    return taken
