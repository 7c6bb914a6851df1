from contextlib import suppress
from functools import partial

from app.http import recent
from app.http.recent import Recent


def test_what_was_made_for_a_key_is_given_again() -> None:
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    values = Recent[str]()
    assert [values.get(key, partial(make, key)) for key in "abab"] == ["A", "B", "A", "B"]
    assert made == ["a", "b"]


def test_the_key_that_was_not_used_for_the_longest_time_goes() -> None:
    values = Recent[int]()
    for key in range(recent.KEPT):
        values.get(key, partial(int, key))
    assert values.get(0, partial(int, -1)) == 0  # used last now
    values.get("one more", partial(int, 7))
    assert values.get(0, partial(int, -1)) == 0
    assert values.get(1, partial(int, -1)) == -1


def test_what_cannot_be_made_is_tried_again() -> None:
    values = Recent[float]()
    with suppress(ZeroDivisionError):
        values.get("x", lambda: 1 / 0)
    assert values.get("x", lambda: 0.5) == 0.5
    assert values.get("x", lambda: 9.0) == 0.5
