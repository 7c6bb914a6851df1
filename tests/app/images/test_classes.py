"""Classes by name: what a query may write, what its URL says, and what a prompt names."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.problems import FieldProblem, ProblemError
from app.images.classes import LONGEST_IN_URL, in_canonical_words, named_in, wanted
from app.images.location import location, picture_at
from app.images.picture import Picture
from app.images.query import GridQuery
from core.card import DISCRIMINATOR, GENERATOR, Card
from tests.tiny import tiny_recipe, training_record

CLOTHES = ("T-shirt/top", "Shirt", "a, b", "back\\slash", "7", "10", "靴")


def card_of(names: Sequence[str] | None, classes: int | None = None) -> Card:
    """The card of a model with classes of these names."""
    count = len(names or ()) if classes is None else classes
    record = training_record(tiny_recipe(classes=count), datetime(2026, 1, 1, tzinfo=UTC))
    told = {**dict(record), "class_names": None if names is None else list(names)}
    return Card(**told, sha256={GENERATOR: "0" * 64, DISCRIMINATOR: "1" * 64})


def asked(card: Card, **query: str) -> Picture:
    made = GridQuery.model_validate({"n": 4, "seed": 1, **query})
    return in_canonical_words(Picture.of(made, "png", card.model_id, None, seed=0), card)


def refused(card: Card, **query: str) -> FieldProblem:
    with pytest.raises(ProblemError) as caught:
        asked(card, **query)
    (fault,) = caught.value.errors or []
    return fault


@pytest.mark.parametrize(
    ("text", "numbers", "canonical"),
    [
        ("Shirt", [1], "Shirt"),
        ("shirt,SHIRT", [1, 1], "Shirt,Shirt"),
        ("1,0", [1, 0], "Shirt,T-shirt/top"),
        ("7", [4], "7"),  # a name goes before a number
        ("10", [5], "10"),
        ("6", [6], "靴"),
        (r"a\, b,2", [2, 2], r"a\, b,a\, b"),
        (r"back\\slash", [3], r"back\\slash"),
    ],
)
def test_classes_have_one_way_to_be_written(text: str, numbers: list[int], canonical: str) -> None:
    card = card_of(CLOTHES)
    picture = asked(card, **{"class": text})
    assert (picture.class_, picture.digit) == (canonical, None)
    assert wanted(picture, card) == numbers
    again = picture_at(location(picture))
    assert again == in_canonical_words(again, card) == picture


@pytest.mark.parametrize("names", [None, tuple("0123456789")])
def test_classes_that_are_digits_are_written_as_digits(names: Sequence[str] | None) -> None:
    card = card_of(names, 10)
    by_class, by_digit = asked(card, **{"class": "7,0,7"}), asked(card, digit="707")
    assert by_class == by_digit
    assert location(by_class).startswith("/generate?n=4&seed=1&start=0&digit=707&cols=2")
    assert wanted(by_class, card) == [7, 0, 7]


def test_digits_that_are_some_of_the_names_are_found_by_name() -> None:
    card = card_of(("3", "7"))
    assert wanted(asked(card, digit="73"), card) == [1, 0]
    assert asked(card, **{"class": "1,0"}).digit == "73"
    assert refused(card, digit="735").parameter == "digit"


def test_classes_without_names_have_numbers() -> None:
    card = card_of(None, 300)
    assert asked(card, **{"class": "10,2,299"}).class_ == "10,2,299"
    assert wanted(asked(card, **{"class": "10,2,299"}), card) == [10, 2, 299]
    assert refused(card, **{"class": "shirt"}).detail == "no class is called 'shirt'; allowed: numbers from 0 to 299"


def test_what_is_no_class_is_refused_with_those_that_are() -> None:
    card = card_of(CLOTHES)
    for text, item in (("hat", "hat"), ("Shirt,", ""), ("99", "99"), ("-1", "-1"), ("٧", "٧"), ("\\", "\\")):
        fault = refused(card, **{"class": text})
        assert (fault.parameter, fault.value) == ("class", text)
        assert fault.detail.startswith(f"no class is called {item!r}; allowed: T-shirt/top, Shirt, ")
    assert refused(card, digit="7").detail.startswith("its classes have names; allowed: class with T-shirt/top, ")
    assert refused(card, **{"class": ",".join(["7"] * 257)}).detail == "names 257 classes; allowed: 1 to 256"
    assert (
        "and 980 more; or numbers from 0 to 999" in refused(card_of([f"c{k}" for k in range(1000)]), digit="7").detail
    )


def test_names_that_differ_in_case_alone_are_told_apart() -> None:
    card = card_of(("a", "A", "B"))
    assert [wanted(asked(card, **{"class": text}), card) for text in ("a", "A", "b")] == [[0], [1], [2]]


def test_a_url_that_would_be_too_long_is_refused() -> None:
    card = card_of(["靴" * 1000, "x"])
    assert asked(card, **{"class": "1,1"})
    assert f"more than {LONGEST_IN_URL} bytes" in refused(card, **{"class": "0"}).detail


NAMES = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=8, unique=True)


@given(NAMES, st.data())
def test_every_class_has_a_url_that_leads_back_to_it(names: list[str], data: st.DataObject) -> None:
    names = [name.encode(errors="backslashreplace").decode() for name in names]  # as a card holds them
    card = card_of(list(dict.fromkeys(names)))
    assert card.class_names is not None
    numbers = data.draw(st.lists(st.integers(0, len(card.class_names) - 1), min_size=1, max_size=5))
    text = ",".join(card.class_names[number].replace("\\", "\\\\").replace(",", "\\,") for number in numbers)
    picture = asked(card, **{"class": text})
    place = location(picture)
    assert wanted(picture, card) == numbers
    assert picture_at(place) == picture
    assert dict(parse_qsl(place)).get("class") == picture.class_


@pytest.mark.parametrize(
    ("names", "prompt", "most", "found"),
    [
        (None, "a 7, then a 3", 4, {"digit": "73"}),
        (None, "anything", 4, {}),
        (("3", "7"), "a 9, a 7, then a 3", 4, {"digit": "73"}),
        (CLOTHES, "A SHIRT beside a t-shirt/top, shirts aside", 4, {"class": "SHIRT,t-shirt/top"}),
        (CLOTHES, "shirt shirt shirt", 2, {"class": "shirt,shirt"}),
        (CLOTHES, "a, b or nothing", 4, {"class": r"a\, b"}),
        (CLOTHES, "a hat", 4, {}),
        (("",), "a hat", 4, {}),
    ],
)
def test_a_prompt_names_classes(names: Sequence[str] | None, prompt: str, most: int, found: dict[str, str]) -> None:
    assert named_in(prompt, card_of(names, 10 if names is None else None), most) == found
