"""Which task is drawn for next, without a thread: each `take` is one batch."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import pytest

from app.drawing.scheduler import MAX_WAITING, BatchScheduler, Overloaded, Slice, Task
from models.folding import BATCH

MODEL = object()

Scheduler: TypeAlias = BatchScheduler[Task]
Share: TypeAlias = Slice[Task]


@pytest.fixture
def scheduler() -> Scheduler:
    return BatchScheduler(2)


def wait_for(scheduler: Scheduler, *sizes: int) -> list[Task]:
    tasks = [Task(MODEL, n) for n in sizes]
    for task in tasks:
        scheduler.add(task)
    return tasks


def take(scheduler: Scheduler) -> list[Share]:
    """A batch that is done at once."""
    slices = scheduler.take()
    scheduler.end(slices, 0.5)
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


def test_a_large_task_is_drawn_by_all_who_have_nothing_to_do(scheduler: Scheduler) -> None:
    with ThreadPoolExecutor(2) as pool:
        try:
            idle = [pool.submit(scheduler.take) for _ in range(2)]
            time.sleep(0.1)  # until both wait; where they do not yet, the test sees less
            (task,) = wait_for(scheduler, 48)
            slices = [share for taken in idle for share in taken.result(timeout=10)]
        finally:
            scheduler.close()
    assert sorted(share.first for share in slices) == [0, 16]
    assert {share.task for share in slices} == {task}


def test_fewer_than_a_batch_wait_for_the_batch_that_goes_on_and_a_batch_does_not(scheduler: Scheduler) -> None:
    wait_for(scheduler, 1)
    first = scheduler.take()
    with ThreadPoolExecutor(1) as pool:
        try:
            wait_for(scheduler, *[1] * (BATCH - 1))
            second = pool.submit(scheduler.take)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.2)
            wait_for(scheduler, 1)
            assert len(second.result(timeout=10)) == BATCH
            scheduler.end(second.result(), 0.5)
            scheduler.end(first, 0.5)
            wait_for(scheduler, 1)
            assert len(pool.submit(scheduler.take).result(timeout=10)) == 1
        finally:
            scheduler.close()


def test_every_image_is_in_one_batch(scheduler: Scheduler) -> None:
    tasks = wait_for(scheduler, 40, 3, 16, 1, 100)
    taken: list[tuple[int, int]] = []
    while any(task.left for task in tasks):
        slices = sizes(take(scheduler), tasks)
        assert sum(n for _, _, n in slices) <= BATCH
        taken += [(index, k) for index, first, n in slices for k in range(first, first + n)]
    assert sorted(taken) == [(index, k) for index, task in enumerate(tasks) for k in range(task.n)]


def test_a_task_is_done_once_its_last_batch_is_done_whichever_that_is(scheduler: Scheduler) -> None:
    large, small = wait_for(scheduler, 20, 12)
    first, second = scheduler.take(), scheduler.take()
    assert scheduler.end(second, 0.0) == [small]
    assert scheduler.end(first, 0.0) == [large]


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
    assert refused.value.retry_after_s == MAX_WAITING // BATCH // 4
    take(scheduler)
    wait_for(scheduler, 1)


def test_nothing_waits_for_more_to_come(scheduler: Scheduler) -> None:
    (task,) = wait_for(scheduler, 1)
    assert take(scheduler) == [Slice(task, 0, 1)]
    assert task.asked_at <= task.began_at <= time.monotonic()


def test_a_closed_scheduler_gives_no_batch(scheduler: Scheduler) -> None:
    wait_for(scheduler, 1)
    scheduler.close()
    assert take(scheduler) == []
