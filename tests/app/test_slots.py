"""Slots that processes share: counted exactly, given back, and free again where their process has ended."""

import os

import pytest

from app.slots import AllTaken, OwnTaken, Slots


def test_no_more_are_taken_than_there_are() -> None:
    slots = Slots(3)
    places = [slots.take("a"), slots.take("b"), slots.take("a")]
    assert len(set(places)) == slots.taken == 3
    assert (slots.taken_by("a"), slots.taken_by("b"), slots.taken_by("c")) == (2, 1, 0)
    with pytest.raises(AllTaken):
        slots.take("c")
    slots.give_back(places[1])
    assert slots.take("c") == places[1]
    assert (slots.taken, slots.taken_by("b"), slots.taken_by("c")) == (3, 0, 1)


def test_an_owner_holds_no_more_than_it_may() -> None:
    slots = Slots(10)
    slots.take("other")
    mine = [slots.take("me", 2), slots.take("me", 2)]
    with pytest.raises(OwnTaken):
        slots.take("me", 2)
    with pytest.raises(OwnTaken):
        slots.take("nothing", 0)
    slots.give_back(mine[0])
    slots.take("me", 2)
    assert slots.taken_by("me") == 2


def test_processes_see_each_others_and_a_new_one_begins_without() -> None:
    slots = Slots(4, processes=2)
    slots.take("a")
    child = os.fork()
    if not child:  # it ends without giving back
        slots.become(1)
        slots.take("a")
        slots.take("b")
        os._exit(0 if slots.taken_by("a") == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (slots.taken, slots.taken_by("a"), slots.taken_by("b")) == (3, 2, 1)
    with pytest.raises(OwnTaken):
        slots.take("a", 2)
    child = os.fork()
    if not child:
        slots.become(1)  # in the place of the other
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (slots.taken, slots.taken_by("a"), slots.taken_by("b")) == (1, 1, 0)
