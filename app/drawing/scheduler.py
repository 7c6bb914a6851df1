"""Which waiting task is drawn for next. The scheduler knows how many images a task has and what one costs, no more.

A batch belongs to the task that has waited longest for one. Where it leaves room, the tasks behind it that are for the
same model fill it up. So 16 tasks of one image cost one forward pass, a task of 256 images comes back 16 times, and
those behind it wait for one batch of it at a time, not for all.

Several batches are drawn at once where whole ones wait. A batch takes less time than its images one by one, so fewer
images than that wait for a batch to end, and share the next one.
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
    """More images are waited for than will be drawn in good time."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many drawings are waiting")
        self.retry_after_s = retry_after_s


@dataclass(eq=False)
class Task:
    """Images that somebody waits for."""

    model: object  # only tasks of the very same one share a batch
    n: int
    cost: int = 1  # of an image, in images of a batch: 1..BATCH
    asked_at: float = field(default_factory=time.monotonic, init=False)
    began_at: float = field(default=0.0, init=False)
    taken: int = field(default=0, init=False)  # images that were given to a batch
    drawn: int = field(default=0, init=False)  # and those whose batch is done

    @property
    def left(self) -> int:
        """The cost of its images that wait."""
        return (self.n - self.taken) * self.cost


TaskT = TypeVar("TaskT", bound=Task)


class Slice(NamedTuple, Generic[TaskT]):
    """A task's share of a batch: its images `first` to `first + n - 1`."""

    task: TaskT
    first: int
    n: int


class BatchScheduler(Generic[TaskT]):
    """The tasks that wait. Any thread may call any method."""

    def __init__(self, at_once: int) -> None:
        """So many batches are drawn at once."""
        self._at_once = at_once
        self._changed = threading.Condition()
        self._waiting: deque[TaskT] = deque()
        self._going_on = 0  # batches
        self._closed = False
        self._batch_s = 0.01

    def add(self, task: TaskT) -> None:
        """Let a task wait. Raises Overloaded."""
        with self._changed:
            waiting = self._cost()
            if waiting >= MAX_WAITING:
                raise Overloaded(ceil(waiting / BATCH * self._batch_s / self._at_once))
            self._waiting.append(task)
            self._wake_another()

    def remove(self, tasks: Sequence[TaskT]) -> None:
        """Draw no more of them."""
        with self._changed:
            self._waiting = deque(other for other in self._waiting if other not in tasks)

    def take(self) -> list[Slice[TaskT]]:
        """Wait for the next batch: slices of one model, which cost `BATCH` together at most. Empty once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_due())
            if self._closed:
                return []
            self._going_on += 1
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
        """Note that a batch is done, and how long it took. Returns the tasks that are complete with it."""
        with self._changed:
            self._going_on -= 1
            self._batch_s += NEWEST_BATCH * (seconds - self._batch_s)
            for task, _, n in slices:
                task.drawn += n
        return [task for task, _, _ in slices if task.drawn == task.n]

    def close(self) -> None:
        """Give no more batches."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _cost(self) -> int:
        return sum(task.left for task in self._waiting)

    def _is_due(self) -> bool:
        """Whether a batch is to begin now."""
        return self._cost() >= (BATCH if self._going_on else 1)

    def _wake_another(self) -> None:
        if self._is_due():
            self._changed.notify()


def _take(task: TaskT, room: int) -> Slice[TaskT]:
    if not task.taken:
        task.began_at = time.monotonic()
    taken = Slice(task, task.taken, min(room // task.cost, task.n - task.taken))
    task.taken += taken.n
    return taken
