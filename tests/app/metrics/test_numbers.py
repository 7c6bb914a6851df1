"""Numbers that processes share."""

import os

from app.metrics.numbers import SharedNumbers


def test_each_process_adds_to_its_own_and_reads_the_sum_of_all() -> None:
    numbers = SharedNumbers(3, slots=2)
    numbers.own[1] += 5
    child = os.fork()
    if not child:
        numbers.become(2, anew=[])
        numbers.own[1] += 2
        os._exit(int(numbers.totals()[1]))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert numbers.totals() == [0.0, 7.0]
    assert numbers.each(1) == [5.0, 0.0, 2.0]


def test_a_process_in_the_place_of_another_goes_on_with_its_counts_and_begins_its_gauges_anew() -> None:
    numbers = SharedNumbers(2, slots=2)
    numbers.become(1, anew=[0])
    numbers.own[0], numbers.own[1] = 3.0, 4.0
    numbers.become(1, anew=[0])
    assert numbers.totals() == [0.0, 4.0]
