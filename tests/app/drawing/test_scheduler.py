"""Which task is drawn for next: each `take` is one batch."""

import time
from typing import TypeAlias

import pytest

from app.drawing.scheduler import MAX_WAITING, BatchScheduler, Overloaded, Slice, Task
from app.drawing.shared_counts import SharedCounts
from models.folding import BATCH

MODEL = object()

Scheduler: TypeAlias = BatchScheduler[Task]
Share: TypeAlias = Slice[Task]


@pytest.fixture
def scheduler() -> Scheduler:
    return BatchScheduler(SharedCounts())


def wait_for(scheduler: Scheduler, *sizes: int) -> list[Task]:
    tasks = [Task(MODEL, n) for n in sizes]
    for task in tasks:
        scheduler.add(task)
    return tasks


def take(scheduler: Scheduler) -> list[Share]:
    """A batch that is done at once."""
    slices = scheduler.take()
    scheduler.time_batch(0.5)
    return slices


def sizes(slices: list[Share], tasks: list[Task]) -> list[tuple[int, int, int]]:
    return [(tasks.index(share.task), share.first, share.n) for share in slices]


def test_sixteen_tasks_of_one_image_share_one_batch(scheduler: Scheduler) -> None:
    tasks = wait_for(scheduler, *[1] * (BATCH + 1))
    assert sizes(take(scheduler), tasks) == [(k, 0, 1) for k in range(BATCH)]
    assert sizes(take(scheduler), tasks) == [(BATCH, 0, 1)]


def test_a_large_task_does_not_hold_up_those_behind_it(scheduler: Scheduler) -> None:
    tasks = wait_for(scheduler, 256, 1, 256)
    assert sizes(take(scheduler), tasks) == [(0, 0, 16)]
    assert sizes(take(scheduler), tasks) == [(1, 0, 1), (2, 0, 15)]
    assert sizes(take(scheduler), tasks) == [(2, 15, 16)]
    tasks += wait_for(scheduler, 1)
    assert sizes(take(scheduler), tasks) == [(0, 16, 16)]
    assert sizes(take(scheduler), tasks) == [(2, 31, 16)]
    assert sizes(take(scheduler), tasks) == [(3, 0, 1), (0, 32, 15)]


def test_every_image_is_in_one_batch(scheduler: Scheduler) -> None:
    tasks = wait_for(scheduler, 40, 3, 16, 1, 100)
    taken: list[tuple[int, int]] = []
    while any(task.left for task in tasks):
        slices = sizes(take(scheduler), tasks)
        assert sum(n for _, _, n in slices) <= BATCH
        taken += [(index, k) for index, first, n in slices for k in range(first, first + n)]
    assert sorted(taken) == [(index, k) for index, task in enumerate(tasks) for k in range(task.n)]


def test_a_batch_is_of_one_model(scheduler: Scheduler) -> None:
    first, second, third = Task(MODEL, 2), Task(object(), 2), Task(MODEL, 2)
    for task in (first, second, third):
        scheduler.add(task)
    assert [share.task for share in take(scheduler)] == [first, third]
    assert [share.task for share in take(scheduler)] == [second]


def test_an_image_that_costs_a_batch_has_one_of_its_own(scheduler: Scheduler) -> None:
    picked = Task(MODEL, 2, cost=BATCH)
    scheduler.add(picked)
    (drawn,) = wait_for(scheduler, 1)
    assert take(scheduler) == [Slice(picked, 0, 1)]
    assert take(scheduler) == [Slice(drawn, 0, 1)]
    assert take(scheduler) == [Slice(picked, 1, 1)]


def test_what_was_removed_gets_no_batch(scheduler: Scheduler) -> None:
    tasks = wait_for(scheduler, 256, 256, 1)
    take(scheduler)
    scheduler.remove(tasks[:2])
    assert sizes(take(scheduler), tasks) == [(2, 0, 1)]


def test_those_who_are_turned_away_hear_when_to_come_again(scheduler: Scheduler) -> None:
    for _ in range(200):
        wait_for(scheduler, 1)
        take(scheduler)
    wait_for(scheduler, *[256] * (MAX_WAITING // 256))
    with pytest.raises(Overloaded) as refused:
        wait_for(scheduler, 1)
    assert refused.value.retry_after_s == MAX_WAITING // BATCH // 2
    take(scheduler)
    wait_for(scheduler, 1)


def test_nothing_waits_for_more_to_come(scheduler: Scheduler) -> None:
    (task,) = wait_for(scheduler, 1)
    assert take(scheduler) == [Slice(task, 0, 1)]
    assert task.asked_at <= task.began_at <= time.monotonic()


def test_where_nothing_waits_there_is_no_batch(scheduler: Scheduler) -> None:
    assert scheduler.take() == []
    wait_for(scheduler, 1)
    take(scheduler)
    assert take(scheduler) == []


def test_images_that_were_put_back_wait_behind_the_others(scheduler: Scheduler) -> None:
    picked = Task(MODEL, 2, cost=BATCH)
    scheduler.add(picked)
    (drawn,) = wait_for(scheduler, 1)
    (share,) = take(scheduler)
    scheduler.put_back(share)
    assert take(scheduler) == [Slice(drawn, 0, 1)]
    assert take(scheduler) == [share]
    (last,) = take(scheduler)
    assert (last.first, scheduler.waiting) == (1, 0)
    scheduler.put_back(last)
    assert scheduler.waiting == BATCH
    assert take(scheduler) == [last]


def test_what_waits_is_counted_whatever_becomes_of_it(scheduler: Scheduler) -> None:
    tasks = wait_for(scheduler, 40, 3)
    assert scheduler.waiting == 43
    take(scheduler)
    assert scheduler.waiting == 27
    scheduler.remove(tasks[:1])
    assert scheduler.waiting == 3


def test_the_bound_is_that_of_all_processes_together() -> None:
    counts = SharedCounts(2)
    counts.become(1)
    counts.own = MAX_WAITING
    counts.become(0)
    with pytest.raises(Overloaded):
        BatchScheduler[Task](counts).add(Task(MODEL, 1))


def test_where_too_much_waits_only_callers_below_their_share_may_wait(scheduler: Scheduler) -> None:
    for _ in range(MAX_WAITING // 256):
        scheduler.add(Task(MODEL, 256, caller="greedy"))
    for caller in ("greedy", None):
        with pytest.raises(Overloaded):
            scheduler.add(Task(MODEL, 1, caller=caller))
    scheduler.add(Task(MODEL, 64, caller="honest"))
    with pytest.raises(Overloaded):
        scheduler.add(Task(MODEL, MAX_WAITING, caller="another"))
    for n in range(MAX_WAITING // BATCH):
        scheduler.add(Task(MODEL, BATCH, caller=f"one of many {n}"))
    with pytest.raises(Overloaded):
        scheduler.add(Task(MODEL, BATCH + 1, caller="late"))
    scheduler.add(Task(MODEL, BATCH, caller="late"))
    with pytest.raises(Overloaded):
        scheduler.add(Task(MODEL, 1, caller="late"))
