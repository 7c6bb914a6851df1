"""Who is drawn for next, without a thread: each `take` is one turn."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.drawing.scheduler import MAX_WAITING, Drawing, Overloaded, Part, Turns
from models.folding import BATCH, FoldedGenerator
from models.judge import FOLDER, load_judge
from tests.tiny import networks, tiny_recipe
from worker.training.data import EMBEDDED


def tiny_model(seed: int = 0) -> FoldedGenerator:
    G, _ = networks(tiny_recipe(), seed)
    return FoldedGenerator.of(G.eval())


@pytest.fixture(scope="module")
def model() -> FoldedGenerator:
    return tiny_model()


@pytest.fixture
def turns() -> Turns:
    return Turns(2)


def wait_for(turns: Turns, model: FoldedGenerator, *sizes: int) -> list[Drawing]:
    drawings = [Drawing(model, 0, 0, n) for n in sizes]
    for drawing in drawings:
        turns.add(drawing)
    return drawings


def take(turns: Turns) -> list[Part]:
    """A turn that is over at once."""
    parts = turns.take()
    turns.end(parts, 0.5)
    return parts


def sizes(parts: list[Part], drawings: list[Drawing]) -> list[tuple[int, int, int]]:
    return [(drawings.index(part.drawing), part.first, part.n) for part in parts]


def test_sixteen_drawings_of_one_image_share_one_batch(turns: Turns, model: FoldedGenerator) -> None:
    drawings = wait_for(turns, model, *[1] * (BATCH + 1))
    assert sizes(take(turns), drawings) == [(k, 0, 1) for k in range(BATCH)]
    assert sizes(take(turns), drawings) == [(BATCH, 0, 1)]


def test_a_large_drawing_does_not_hold_up_those_behind_it(turns: Turns, model: FoldedGenerator) -> None:
    drawings = wait_for(turns, model, 256, 1, 256)
    assert sizes(take(turns), drawings) == [(0, 0, 16)]
    assert sizes(take(turns), drawings) == [(1, 0, 1), (2, 0, 15)]
    assert sizes(take(turns), drawings) == [(2, 15, 16)]
    drawings += wait_for(turns, model, 1)
    assert sizes(take(turns), drawings) == [(0, 16, 16)]
    assert sizes(take(turns), drawings) == [(2, 31, 16)]
    assert sizes(take(turns), drawings) == [(3, 0, 1), (0, 32, 15)]


def test_a_large_drawing_is_drawn_by_all_who_have_nothing_to_do(turns: Turns, model: FoldedGenerator) -> None:
    with ThreadPoolExecutor(2) as pool:
        try:
            idle = [pool.submit(turns.take) for _ in range(2)]
            time.sleep(0.1)  # until both wait; where they do not yet, the test sees less
            (drawing,) = wait_for(turns, model, 48)
            parts = [part for taken in idle for part in taken.result(timeout=10)]
        finally:
            turns.close()
    assert sorted(part.first for part in parts) == [0, 16]
    assert {part.drawing for part in parts} == {drawing}


def test_fewer_than_a_batch_wait_for_the_turn_that_goes_on_and_a_batch_does_not(
    turns: Turns, model: FoldedGenerator
) -> None:
    wait_for(turns, model, 1)
    first = turns.take()
    with ThreadPoolExecutor(1) as pool:
        try:
            wait_for(turns, model, *[1] * (BATCH - 1))
            second = pool.submit(turns.take)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.2)
            wait_for(turns, model, 1)
            assert len(second.result(timeout=10)) == BATCH
            turns.end(second.result(), 0.5)
            turns.end(first, 0.5)
            wait_for(turns, model, 1)
            assert len(pool.submit(turns.take).result(timeout=10)) == 1
        finally:
            turns.close()


def test_every_image_gets_one_turn(turns: Turns, model: FoldedGenerator) -> None:
    drawings = wait_for(turns, model, 40, 3, 16, 1, 100)
    taken: list[tuple[int, int]] = []
    while any(drawing.left for drawing in drawings):
        parts = sizes(take(turns), drawings)
        assert sum(n for _, _, n in parts) <= BATCH
        taken += [(index, k) for index, first, n in parts for k in range(first, first + n)]
    assert sorted(taken) == [(index, k) for index, drawing in enumerate(drawings) for k in range(drawing.n)]


def test_a_drawing_is_done_once_its_last_turn_is_over_whichever_that_is(turns: Turns, model: FoldedGenerator) -> None:
    large, small = wait_for(turns, model, 20, 12)
    first, second = turns.take(), turns.take()
    assert turns.end(second, 0.0) == [small]
    assert turns.end(first, 0.0) == [large]


def test_a_batch_is_of_one_model(turns: Turns, model: FoldedGenerator) -> None:
    other = tiny_model(1)
    first, second, third = wait_for(turns, model, 2) + wait_for(turns, other, 2) + wait_for(turns, model, 2)
    assert [part.drawing for part in take(turns)] == [first, third]
    assert [part.drawing for part in take(turns)] == [second]


def test_a_picked_image_has_a_turn_of_its_own(turns: Turns, model: FoldedGenerator) -> None:
    picked = Drawing(model, 0, 0, 2, [7], load_judge(EMBEDDED / "mnist" / FOLDER))
    turns.add(picked)
    (drawn,) = wait_for(turns, model, 1)
    assert take(turns) == [Part(picked, 0, 1)]
    assert take(turns) == [Part(drawn, 0, 1)]
    assert take(turns) == [Part(picked, 1, 1)]


def test_what_was_removed_gets_no_turn(turns: Turns, model: FoldedGenerator) -> None:
    drawings = wait_for(turns, model, 256, 256, 1)
    take(turns)
    turns.remove(drawings[:2])
    assert sizes(take(turns), drawings) == [(2, 0, 1)]


def test_those_who_are_turned_away_hear_when_to_come_again(turns: Turns, model: FoldedGenerator) -> None:
    for _ in range(200):
        wait_for(turns, model, 1)
        take(turns)
    wait_for(turns, model, *[256] * (MAX_WAITING // 256))
    with pytest.raises(Overloaded) as refused:
        wait_for(turns, model, 1)
    assert refused.value.retry_after_s == MAX_WAITING // BATCH // 4
    take(turns)
    wait_for(turns, model, 1)


def test_nothing_waits_for_more_to_come(turns: Turns, model: FoldedGenerator) -> None:
    (drawing,) = wait_for(turns, model, 1)
    assert take(turns) == [Part(drawing, 0, 1)]
    assert drawing.asked_at <= drawing.began_at <= time.monotonic()


def test_closed_turns_are_no_turns(turns: Turns, model: FoldedGenerator) -> None:
    wait_for(turns, model, 1)
    turns.close()
    assert take(turns) == []
