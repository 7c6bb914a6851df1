import os

from app.drawing.shared_counts import SharedCounts


def test_each_process_writes_its_own_and_reads_all() -> None:
    counts = SharedCounts(3)
    counts.own = 5
    child = os.fork()
    if not child:
        counts.become(2)
        counts.own = 7
        os._exit(counts.total())
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 12
    assert (counts.own, counts.total()) == (5, 12)


def test_whoever_comes_after_a_process_begins_at_nothing() -> None:
    counts = SharedCounts(2)
    counts.become(1)
    counts.own = 9
    counts.become(1)
    assert counts.total() == 0
