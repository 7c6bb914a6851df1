"""The texts of `at` and `nudge` in a query: what they say, and the one way to write them in a URL.

Numbers are decimal and exact: they are counted in the smallest step there is, and never rounded. A canonical text has
no zeros that say nothing, no `-0`, and directions in ascending order without those of amount 0.
"""

import re

from pydantic_core import PydanticCustomError

from models.directions import UNIT as HUNDREDTHS
from models.plane import LAST_X, LAST_Y, Point
from models.plane import UNIT as THOUSANDTHS

MOST_DIRECTIONS = 32  # of one query
MOST_AMOUNT = 10

_COORDINATE = r"[0-9]{1,13}(?:\.[0-9]{1,3})?"
_NUDGE = r"[0-9]{1,4}:-?[0-9]{1,2}(?:\.[0-9]{1,2})?"
AT = f"^{_COORDINATE},{_COORDINATE}$"
NUDGES = f"^{_NUDGE}(?:,{_NUDGE})*$"

_AT_ALLOWED = f"allowed: x,y with x from 0 to {LAST_X} and y from 0 to {LAST_Y}, with 3 decimals at most, as in 1.5,2"
_NUDGE_ALLOWED = (
    f"allowed: 1 to {MOST_DIRECTIONS} pairs direction:amount with commas, each direction once, amounts from "
    f"-{MOST_AMOUNT} to {MOST_AMOUNT} with 2 decimals at most, as in 0:1.5,3:-2"
)


def point_of(text: str) -> Point:
    """The point that a canonical text names."""
    x, y = (_counted(number, THOUSANDTHS) for number in text.split(","))
    return Point(x, y)


def amounts_of(text: str) -> list[tuple[int, int]]:
    """Directions with their amounts in hundredths, in the order of the text."""
    pairs = (pair.split(":") for pair in text.split(","))
    return [(int(number), _counted(amount, HUNDREDTHS)) for number, amount in pairs]


def canonical_at(text: str) -> str:
    """A point in its canonical text. Raises PydanticCustomError for a text that names none."""
    if re.fullmatch(AT, text):
        point = point_of(text)
        if point.x <= LAST_X * THOUSANDTHS and point.y <= LAST_Y * THOUSANDTHS:
            return ",".join(_text(number, THOUSANDTHS) for number in point)
    raise PydanticCustomError("point", _AT_ALLOWED)


def canonical_nudge(text: str) -> str | None:
    """Amounts in their canonical text; None if all are 0. Raises PydanticCustomError for a text that names none."""
    if re.fullmatch(NUDGES, text):
        amounts = amounts_of(text)
        numbers = {number for number, _ in amounts}
        largest = max(abs(amount) for _, amount in amounts)
        if len(numbers) == len(amounts) <= MOST_DIRECTIONS and largest <= MOST_AMOUNT * HUNDREDTHS:
            moved = [f"{number}:{_text(amount, HUNDREDTHS)}" for number, amount in sorted(amounts) if amount]
            return ",".join(moved) or None
    raise PydanticCustomError("nudge", _NUDGE_ALLOWED)


def _counted(text: str, unit: int) -> int:
    """A decimal number in units, which are a power of ten to one: `-1.5` is -150 hundredths."""
    whole, _, decimals = text.partition(".")
    places = len(str(unit)) - 1
    return int(whole + decimals.ljust(places, "0"))


def _text(number: int, unit: int) -> str:
    whole, decimals = divmod(abs(number), unit)
    places = len(str(unit)) - 1
    fraction = f".{decimals:0{places}}".rstrip("0") if decimals else ""
    return f"{'-' if number < 0 else ''}{whole}{fraction}"
