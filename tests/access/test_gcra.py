"""The arithmetic of rates, against the virtual scheduling algorithm as the Recommendation has it."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

import jobs
from access.gcra import rate
from access.shared_buckets import SharedBuckets
from jobs.scripting import run_script

WINDOW_S, SECOND = 60, 1_000_000
STEPS = st.lists(st.tuples(st.integers(0, 3 * WINDOW_S * SECOND), st.integers(1, 9)), max_size=30)


class Model:
    """One theoretical arrival time, as in ITU-T I.371: what comes too early does not conform."""

    def __init__(self, limit: int) -> None:
        self.increment = -(-WINDOW_S * SECOND // limit)
        self.tolerance = limit * self.increment
        self.arrival = 0

    def admits(self, now: int, cost: int) -> bool:
        then = max(self.arrival, now) + cost * self.increment
        if then - now > self.tolerance:
            return False
        self.arrival = then
        return True


@settings(deadline=None)
@given(limit=st.integers(1, 20), steps=STEPS)
def test_buckets_in_memory_admit_what_the_algorithm_does(limit: int, steps: list[tuple[int, int]]) -> None:
    model, buckets, now = Model(limit), SharedBuckets(), SECOND
    for passed, cost in steps:
        now += passed
        level, wait = buckets.take("key", rate(limit, WINDOW_S, SECOND), cost, now)
        assert (wait == 0) == model.admits(now, cost)
        assert level == max(0, model.arrival - now)
        if wait:
            assert not Model.admits(model, now + wait - 1, cost)
            assert buckets.take("key", rate(limit, WINDOW_S, SECOND), cost, now + wait) == (
                limit * model.increment,
                0,
            )
            assert model.admits(now + wait, cost)
            now += wait


@settings(deadline=None)
@given(limit=st.integers(1, 20), steps=STEPS)
def test_what_is_given_back_was_never_taken(limit: int, steps: list[tuple[int, int]]) -> None:
    taken, untouched, now = SharedBuckets(), SharedBuckets(), SECOND
    one = rate(limit, WINDOW_S, SECOND)
    for passed, cost in steps:
        now += passed
        assert taken.take("key", one, cost, now) == untouched.take("key", one, cost, now)
        if taken.take("key", one, 1, now)[1] == 0:
            taken.give_back("key", one, 1)


def test_a_cost_above_the_limit_never_passes_and_a_limit_of_0_lets_nothing_pass() -> None:
    buckets = SharedBuckets()
    assert buckets.take("key", rate(10, WINDOW_S), 11) == (0, None)
    assert buckets.take("key", rate(10, WINDOW_S), 10)[1] == 0
    assert buckets.take("other", rate(0, WINDOW_S), 1) == (0, None)


def test_redis_and_memory_come_to_the_same(redis: Redis) -> None:
    """Redis has its own clock, so what its script makes of a level is compared: the function `pass`."""
    code = (Path(jobs.__file__).parent / "scripts" / "limits.lua").read_text(encoding="utf-8")
    arithmetic = code[code.index("local function pass") : code.index("-- A caller's level of a rate")]
    numbers = "tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])"
    source = f"{arithmetic}\nreturn {{ pass({numbers}) }}"

    @settings(deadline=None)
    @given(limit=st.integers(0, 20), level=st.integers(0, 2 * WINDOW_S * SECOND), cost=st.integers(1, 9))
    def compare(limit: int, level: int, cost: int) -> None:
        answer: Any = redis.eval(source, 0, level, limit, WINDOW_S * SECOND, cost)
        one = rate(limit, WINDOW_S, SECOND)
        wait = one.wait(level, cost)
        after = level + cost * one.interval if wait == 0 else level
        assert answer == [after, -1 if wait is None else wait]

    compare()


def test_a_bucket_in_redis_fills_up_and_is_given_back(redis: Redis) -> None:
    def take(cost: int) -> list[int]:
        return [int(part) for part in run_script(redis, "take", "", "k", "uploads", 3, WINDOW_S * SECOND, cost).split()]

    assert [take(1)[1] for _ in range(3)] == [0, 0, 0]
    level, wait = take(1)
    assert 0 < wait <= 20 * SECOND
    assert level <= 60 * SECOND
    take(-1)
    assert take(1)[1] == 0
    assert take(4)[1] == -1
    assert 0 < redis.pttl("digitforge:caller:k:rate:uploads") <= 60_001
