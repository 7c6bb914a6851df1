"""The classes that a query wants, by `digit` or by `class`: their numbers, and the one way to write them in a URL.

`class` is a list with commas, of names or of numbers; a name goes before a number that is written alike. In a name a
backslash stands before each comma and backslash. A canonical URL has `digit` where all wanted classes are called by one
digit, and names else; classes without names have numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote_plus

from app.http.problems import FieldProblem, not_accepted
from app.images.picture import Picture
from core.card import Card

MOST = 256  # as many as there may be images in a picture
LONGEST_IN_URL = 8192  # bytes; a URL may have 65,535
NAMED = 20  # names in the text of an error

_ITEM = re.compile(r",((?:[^,\\]|\\.?)*)", re.DOTALL)  # behind its comma
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r"[,\\]")


def wanted(picture: Picture, card: Card) -> list[int] | None:
    """The numbers of the wanted classes, one per image, cycling; None for any. `card` is that of the picture's model.

    Raises ProblemError (422) for a class that the model's data set does not have.
    """
    if picture.digit is not None:
        if card.class_names is None:
            return [int(digit) for digit in picture.digit]
        if not _are_digits(card.class_names):
            raise _refused("digit", picture.digit, f"its classes have names; allowed: class with {_allowed(card)}")
        return [_number(digit, "digit", picture.digit, card) for digit in picture.digit]
    if picture.class_ is not None:
        items = _split(picture.class_)
        if len(items) > MOST:
            raise _refused("class", picture.class_, f"names {len(items)} classes; allowed: 1 to {MOST}")
        return [_number(item, "class", picture.class_, card) for item in items]
    return None


def in_canonical_words(picture: Picture, card: Card) -> Picture:
    """The same picture with its classes as its URL has them. Raises as `wanted` does."""
    if picture.class_ is None and card.class_names is None:
        return picture
    numbers = wanted(picture, card)
    if numbers is None:
        return picture
    names = [_name(number, card) for number in numbers]
    if _are_digits(names) and (card.class_names is None or _are_digits(card.class_names)):
        return replace(picture, digit="".join(names), class_=None)
    text = _joined(names)
    if len(quote_plus(text, safe=",")) > LONGEST_IN_URL:
        detail = f"its names take more than {LONGEST_IN_URL} bytes of a URL; allowed: fewer classes"
        raise _refused("class", picture.class_, detail)
    return replace(picture, class_=text)


def named_in(prompt: str, card: Card, most: int) -> dict[str, str]:
    """The first classes that a text names, in their order, as `digit` or `class` of a query. Empty where it names none.

    Digits wherever they stand; other names as whole words, in any case, and in a longer name not the shorter one.
    """
    names = card.class_names
    if names is None or _are_digits(names):
        digits = [digit for digit in re.findall("[0-9]", prompt) if names is None or digit in names]
        return {"digit": "".join(digits[:most])} if digits else {}
    longest_first = sorted(filter(None, names), key=len, reverse=True)
    if not longest_first:
        return {}
    name = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    found = name.findall(prompt)[:most]
    return {"class": _joined(found)} if found else {}


def _joined(names: Sequence[str]) -> str:
    return ",".join(_TO_ESCAPE.sub(r"\\\g<0>", name) for name in names)


def _split(text: str) -> list[str]:
    """The items of a list with commas."""
    return [_ESCAPED.sub(r"\1", item) for item in _ITEM.findall(f",{text}")]


def _number(item: str, parameter: str, value: str, card: Card) -> int:
    names = card.class_names
    if names is not None:
        same = [number for number, name in enumerate(names) if name == item]
        same = same or [number for number, name in enumerate(names) if name.casefold() == item.casefold()]
        if len(same) == 1:
            return same[0]
    is_number = re.fullmatch("[0-9]{1,4}", item) is not None
    if is_number and (names is None or int(item) < len(names)):
        return int(item)
    raise _refused(parameter, value, f"no class is called {item!r}; allowed: {_allowed(card)}")


def _name(number: int, card: Card) -> str:
    return str(number) if card.class_names is None else card.class_names[number]


def _are_digits(names: Sequence[str]) -> bool:
    return all(len(name) == 1 and name in "0123456789" for name in names)


def _allowed(card: Card) -> str:
    if card.class_names is None:
        return f"numbers from 0 to {card.recipe.classes - 1}" if card.recipe.classes else "numbers"
    shown = ", ".join(_joined([name]) for name in card.class_names[:NAMED])
    more = f" and {len(card.class_names) - NAMED} more" if len(card.class_names) > NAMED else ""
    return f"{shown}{more}; or numbers from 0 to {len(card.class_names) - 1}"


def _refused(parameter: str, value: str | None, detail: str) -> Exception:
    return not_accepted([FieldProblem(parameter=parameter, detail=detail, value=value)])
