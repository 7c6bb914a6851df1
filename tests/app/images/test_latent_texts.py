"""The texts of `at` and `nudge`: one for each meaning, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from app.images.latent_texts import amounts_of, canonical_at, canonical_nudge, point_of
from models.plane import Point
from tests.app.images.latents import nudges, points


@pytest.mark.parametrize(
    ("text", "canonical", "point"),
    [
        ("1.5,2", "1.5,2", Point(1500, 2000)),
        ("01.50,002.000", "1.5,2", Point(1500, 2000)),
        ("0.0,0", "0,0", Point(0, 0)),
        ("999,9007199254739.000", "999,9007199254739", Point(999_000, 9007199254739_000)),
        ("0.001,0.010", "0.001,0.01", Point(1, 10)),
    ],
)
def test_a_point_has_one_text(text: str, canonical: str, point: Point) -> None:
    assert canonical_at(text) == canonical
    assert point_of(canonical) == point


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0:1.5,3:-2", "0:1.5,3:-2"),
        ("3:-2.00,0:1.50", "0:1.5,3:-2"),
        ("10:1,9:1", "9:1,10:1"),
        ("007:0.01,1:-0", "7:0.01"),
        ("0:0,1:-0.00", None),
        ("4:-10,5:10.00", "4:-10,5:10"),
    ],
)
def test_steps_have_one_text_and_none_if_they_lead_nowhere(text: str, canonical: str | None) -> None:
    assert canonical_nudge(text) == canonical


@given(points)
def test_a_canonical_point_is_its_own_text_and_the_same_number(text: str) -> None:
    canonical = canonical_at(text)
    assert canonical_at(canonical) == canonical
    assert [Decimal(part) for part in canonical.split(",")] == [Decimal(part) for part in text.split(",")]
    assert [Decimal(counted) / 1000 for counted in point_of(canonical)] == [Decimal(x) for x in text.split(",")]
    assert all(part == "0" or part[-1] not in ".0" or "." not in part for part in canonical.split(","))


@given(nudges, st.randoms(use_true_random=False))
def test_the_order_of_steps_says_nothing(text: str, chance: st.DataObject) -> None:
    parts = text.split(",")
    chance.shuffle(parts)  # type: ignore[attr-defined]
    canonical = canonical_nudge(text)
    assert canonical_nudge(",".join(parts)) == canonical
    if canonical is not None:
        assert canonical_nudge(canonical) == canonical
        told = {int(number): Decimal(amount) for number, amount in (part.split(":") for part in parts)}
        found = {number: Decimal(amount) / 100 for number, amount in amounts_of(canonical)}
        assert found == {number: amount for number, amount in told.items() if amount}
        assert list(found) == sorted(found)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "1,2,3", "-1,2", "-0,0", "1.5,", ",1", "1.2345,0", "999.001,0", "1000,0", "0,9007199254740"),
        *("1e2,0", "0,9007199254739.001", " 1,2", "1,2\n", "+1,2", "1.,2", ".5,2", "nan,0", "\u0663,1", "1;2"),
    ],
)
def test_what_is_no_point_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="allowed: x,y with x from 0 to 999 and y from 0 to 9007199254739"):
        canonical_at(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0:", ":1", "0:1,", "0:1,0:2", "0:1,00:0", "-1:1", "0:10.01", "0:-11", "0:1.234", "0:+1", "0:1e1"),
        *("x:1", "0:nan", "0=1", "0:1;1:1", "0:1\n", "0:\u0663", ",".join(f"{k}:1" for k in range(33))),
    ],
)
def test_what_are_no_steps_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="allowed: 1 to 32 pairs direction:amount"):
        canonical_nudge(text)
