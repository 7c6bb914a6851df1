"""Which waiting task is drawn for next. The scheduler knows how many images a task has and what one costs, no more.

A batch belongs to the task that has waited longest for one. Where it leaves room, the tasks behind it that are for the
same model fill it up. So 16 tasks of one image cost one forward pass, a task of 256 images comes back 16 times, and
those behind it wait for one batch of it at a time, not for all.
"""

import time
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import chain
from math import ceil
from typing import Generic, NamedTuple, TypeVar

from app.drawing.shared_counts import SharedCounts
from models.folding import BATCH

MAX_WAITING = 4096  # images, in all processes together; beyond it, only callers with less than their share may wait
NEWEST_BATCH = 0.1  # its weight in the average time of a batch


class Overloaded(Exception):
    """More images are waited for than will be drawn in good time."""

    def __init__(self, retry_after_s: int, detail: str = "too many drawings are waiting") -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


@dataclass(eq=False)
class Task:
    """Images that somebody waits for."""

    model: object  # only tasks of the very same one share a batch
    n: int
    cost: int = 1  # of an image, in images of a batch: 1..BATCH
    caller: str | None = None  # whose key it came with, where there are keys
    asked_at: float = field(default_factory=time.monotonic, init=False)
    began_at: float = field(default=0.0, init=False)
    taken: int = field(default=0, init=False)  # images that were given to a batch

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
    """The tasks that wait in this process, and by their number those of all. For use on one thread."""

    def __init__(self, waiting: SharedCounts) -> None:
        """`waiting` counts the images that wait in each process."""
        self._shared = waiting
        self._waiting: deque[TaskT] = deque()
        self._batch_s = 0.01

    @property
    def waiting(self) -> int:
        """The cost of all images that wait here."""
        return self._shared.own

    @property
    def waiting_everywhere(self) -> int:
        """The cost of all images that wait in all processes."""
        return self._shared.total()

    def add(self, task: TaskT) -> None:
        """Let a task wait. Raises Overloaded."""
        if self.waiting_everywhere >= MAX_WAITING and not self._is_due(task):
            raise Overloaded(self.time_left_s())
        self._waiting.append(task)
        self._shared.own += task.left

    def _is_due(self, task: TaskT) -> bool:
        """Whether a task may wait though too much waits already: its caller has less than its share of the room."""
        if task.caller is None:
            return False
        left = Counter[str | None]()
        for other in self._waiting:
            left[other.caller] += other.left
        share = MAX_WAITING // self._shared.processes // max(1, len(left))
        return left[task.caller] + task.left <= max(BATCH, share)

    def time_left_s(self) -> int:
        """In how many seconds all that waits now will be drawn, at the rate of the last batches: at least 1."""
        return max(1, ceil(self.waiting_everywhere / BATCH * self._batch_s / self._shared.processes))

    def remove(self, tasks: Collection[TaskT]) -> None:
        """Draw no more of them."""
        self._waiting = deque(task for task in self._waiting if task not in tasks)
        self._shared.own = sum(task.left for task in self._waiting)

    def take(self) -> list[Slice[TaskT]]:
        """The next batch: slices of one model, which cost `BATCH` together at most. Empty where nothing waits."""
        if not self._waiting:
            return []
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
        self._shared.own -= BATCH - room
        return slices

    def put_back(self, share: Slice[TaskT]) -> None:
        """Let images that were taken wait for another batch. They are those that their task gave last."""
        if not share.task.left:
            self._waiting.append(share.task)
        share.task.taken -= share.n
        self._shared.own += share.n * share.task.cost

    def time_batch(self, seconds: float) -> None:
        """Note how long a batch took."""
        self._batch_s += NEWEST_BATCH * (seconds - self._batch_s)


def _take(task: TaskT, room: int) -> Slice[TaskT]:
    if not task.taken:
        task.began_at = time.monotonic()
    taken = Slice(task, task.taken, min(room // task.cost, task.n - task.taken))
    task.taken += taken.n
    return taken
