"""Buckets that processes share, and slots that run out."""

import multiprocessing
from multiprocessing.synchronize import Barrier

from access.gcra import NS, rate
from access.shared_buckets import PROBED, Buckets, SharedBuckets

PROCESSES, LIMIT, TRIES = 4, 1000, 2000
HOUR = rate(LIMIT, 3600)


def test_processes_take_from_one_bucket_and_lose_nothing() -> None:
    fork = multiprocessing.get_context("fork")
    buckets, ready, admitted = SharedBuckets(PROCESSES), fork.Barrier(PROCESSES), fork.Queue()

    def take_all(number: int, ready: Barrier) -> None:
        buckets.become(number)
        ready.wait()
        admitted.put(sum(buckets.take("key", HOUR, 1)[1] == 0 for _ in range(TRIES)))

    children = [fork.Process(target=take_all, args=(number, ready)) for number in range(PROCESSES)]
    for child in children:
        child.start()
    passed = sum(admitted.get(timeout=60) for _ in children)
    for child in children:
        child.join()
    came_back = 30  # of an hour's 1000, in the seconds that this may take
    assert LIMIT <= passed <= LIMIT + came_back + PROCESSES
    level, wait = buckets.take("key", HOUR, 1)
    assert wait
    assert level >= (passed - came_back) * HOUR.interval


def test_a_process_sees_what_another_one_took_and_its_successor_goes_on() -> None:
    buckets, one = SharedBuckets(2), rate(10, 60)
    buckets.become(1)
    assert buckets.take("key", one, 6, NS) == (6 * one.interval, 0)
    buckets.become(0)
    assert buckets.take("key", one, 6, NS) == (6 * one.interval, 2 * one.interval)
    buckets.become(1)
    assert buckets.take("key", one, 4, NS) == (10 * one.interval, 0)


def test_an_empty_bucket_gives_its_slot_away_and_a_full_one_keeps_it() -> None:
    buckets, one = SharedBuckets(slots=PROBED), rate(1, 60)
    for key in range(1, PROBED + 1):
        assert buckets.take(key, one, 1, NS)[1] == 0
    assert buckets.take(1000, one, 1, NS) == (0, 0)  # no room, so it is not counted
    assert buckets.level(1000, NS) == 0
    assert all(buckets.take(key, one, 1, NS)[1] for key in range(1, PROBED + 1))
    later = NS + 60 * NS
    assert buckets.take(1000, one, 1, later)[1] == 0
    assert buckets.take(1000, one, 1, later)[1] == 60 * NS


def test_callers_and_addresses_have_buckets_apart() -> None:
    buckets = Buckets(2)
    buckets.become(1)
    buckets.callers.take("key", rate(1, 60), 1, NS)
    assert buckets.addresses.level("key", NS) == 0
