"""A URL is an image: it tells each field that a picture depends on, and nothing is lost on the way there and back."""

from dataclasses import fields
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.http.problems import ProblemError
from app.images.formats import MEDIA_TYPES
from app.images.location import NotALocation, etag, location, picture_at
from app.images.picture import Picture
from app.images.query import PARAMETERS, GridQuery
from app.images.rules import check
from core.image_shape import GREY_28
from core.recipe import MAX_SEED
from tests.app.images.latents import nudges, points

MODEL, JUDGE = "0123456789abcdef", "fedcba9876543210"

# Query, its canonical URL without the model, and its ETag: what caches hold today.
GOLDEN = [
    (
        "n=16&seed=1",
        "n=16&seed=1&start=0&cols=4&pad=2&scale=1&format=png",
        "0b3f3aa445c0d9bc15d7437af1135f8b",
    ),
    (
        "n=16&seed=1&scale=2",
        "n=16&seed=1&start=0&cols=4&pad=2&scale=2&format=png",
        "1fbcf7a76c4c402ea1b5bd79daeba41a",
    ),
    (
        "n=5&seed=5&start=3&digit=0123456789",
        "n=5&seed=5&start=3&digit=0123456789&cols=3&pad=2&scale=1&format=png",
        "abc938d6b414872d95c08095bb8d2c6c",
    ),
    (
        "n=5&seed=5&start=3&digit=0123456789&format=webp",
        "n=5&seed=5&start=3&digit=0123456789&cols=3&pad=2&scale=1&format=webp",
        "e2b62bf38a37f0f001fcccf2dad23b15",
    ),
    (
        "n=5&seed=5&start=3&digit=0123456789&format=zip&scale=3",
        "n=5&seed=5&start=3&digit=0123456789&scale=3&format=zip",
        "d3680d685a1dacc290b49dba0ab1e6e8",
    ),
    (
        "n=5&seed=5&format=json&invert=true",
        "n=5&seed=5&start=0&scale=1&invert=true&format=json",
        "a473e8bf495589da7bc58a7003c5b35d",
    ),
    (
        "n=5&seed=5&format=npz&invert=1",
        "n=5&seed=5&start=0&invert=true&format=npz",
        "738ae16977bf376a027c2ff172279783",
    ),
    (
        "n=1&seed=9007199254740991&start=9007199254740735",
        "n=1&seed=9007199254740991&start=9007199254740735&cols=1&pad=2&scale=1&format=png",
        "8a3bdd0e8b25c13b3e7a83a0b8202b80",
    ),
    (
        "n=256&seed=7&cols=256&pad=0",
        "n=256&seed=7&start=0&cols=256&pad=0&scale=1&format=png",
        "90c63f48c517acd813e2548e8053f455",
    ),
    (
        "n=4&seed=2&truncation=0.5",
        "n=4&seed=2&start=0&cols=2&pad=2&scale=1&truncation=0.5&format=png",
        "26232d56d78c1c0ca2726af731b5b74d",
    ),
    (
        "n=4&seed=2&truncation=0",
        "n=4&seed=2&start=0&cols=2&pad=2&scale=1&truncation=0.0&format=png",
        "604f1e0484b766879b6db886b6368f78",
    ),
    (
        "n=4&seed=2&truncation=1e-05&invert=on",
        "n=4&seed=2&start=0&cols=2&pad=2&scale=1&invert=true&truncation=1e-05&format=png",
        "f98b9b076372d8ecfe04815263ad9385",
    ),
    (
        "n=4&interpolate=3,9",
        "n=4&interpolate=3,9&frames=24&start=0&cols=2&pad=2&scale=1&format=webp",
        "1148c61987a9d628baf12c9960cfb248",
    ),
    (
        "n=4&interpolate=03,9&frames=7&format=gif&digit=58&start=3&cols=4&pad=1&scale=2&truncation=0.25",
        "n=4&interpolate=3,9&frames=7&start=3&digit=58&cols=4&pad=1&scale=2&truncation=0.25&format=gif",
        "d67cdb2e5efd9d6b7372f1b356bda0ad",
    ),
    (
        "n=2&seed=1&class=T-shirt/top,10,a%20%2B%20b,%5C,x,%E9%9E%8B",
        "n=2&seed=1&start=0&class=T-shirt%2Ftop,10,a+%2B+b,%5C,x,%E9%9E%8B&cols=2&pad=2&scale=1&format=png",
        "12ea86efe863743c2bc927e6b9a1496e",
    ),
    (
        "n=4&at=01.50,2.000&digit=3",
        "n=4&at=1.5,2&start=0&digit=3&cols=2&pad=2&scale=1&format=png",
        "69f0ec433b26b163ea9e3e0a2662d223",
    ),
    (
        "n=1&at=7,2&nudge=3:-2.0,00:0.25,1:0",
        "n=1&at=7,2&start=0&cols=1&pad=2&scale=1&nudge=0:0.25,3:-2&format=png",
        "bba84923fdd29884f779ce23ff9f38c5",
    ),
    (
        "n=4&interpolate=3,9&nudge=12:10&truncation=0.5",
        "n=4&interpolate=3,9&frames=24&start=0&cols=2&pad=2&scale=1&truncation=0.5&nudge=12:10&format=webp",
        "6385fabf881bc79d89a67a8d622f2ecc",
    ),
]


def picture(query: GridQuery, judge: str | None = None) -> Picture:
    """The picture of a query, of a model without classes where there is a judge."""
    format_ = query.format or ("webp" if query.interpolate else "png")
    picks = (query.judge or judge) if query.wants_classes else None
    drawn = Picture.of(query, format_, query.model or MODEL, picks, seed=0)
    check(query, drawn, GREY_28, 100)
    return drawn


def parsed(text: str) -> GridQuery:
    return GridQuery.model_validate(dict(parse_qsl(text)))


@pytest.mark.parametrize(("text", "url", "tag"), GOLDEN)
def test_what_is_in_caches_stays_true(text: str, url: str, tag: str) -> None:
    place = location(picture(parsed(text)))
    assert place == f"/generate?{url}&model={MODEL}"
    assert etag(place) == f'"{tag}"'


def test_a_picture_has_the_fields_of_the_query_and_none_can_be_forgotten() -> None:
    *asked, weights = [field.name for field in fields(Picture)]
    assert asked == [name for name in GridQuery.model_fields if name != "dataset"]
    assert weights == "weights"  # which the model of the query stands for

    class Longer(GridQuery):
        forgotten: int = 0

    with pytest.raises(TypeError, match="forgotten"):
        picture(Longer(n=4, seed=1))


BASES: list[dict[str, Any]] = [
    {"n": 4, "seed": 1, "format": "png"},
    {"n": 4, "seed": 1, "format": "webp", "digit": "5"},
    {"n": 4, "seed": 1, "format": "zip"},
    {"n": 4, "seed": 1, "format": "npz"},
    {"n": 4, "interpolate": "3,9", "format": "gif"},
    {"n": 4, "at": "1.5,2", "format": "png"},
    {"n": 4, "seed": 1, "nudge": "0:1,3:-2", "format": "png"},
    {"n": 4, "format": "png"},
]
CHANGES: dict[str, Any] = {
    "n": 5,
    "seed": 2,
    "at": "1.5,2.001",
    "interpolate": "3,8",
    "frames": 7,
    "start": 1,
    "digit": "7",
    "class": "shirt",
    "cols": 3,
    "pad": 1,
    "scale": 2,
    "invert": True,
    "truncation": 0.5,
    "nudge": "0:1,3:2",
    "format": "json",
    "dataset": "icons",
    "model": MODEL[::-1],
    "judge": JUDGE,
}


def refused(asked: dict[str, Any]) -> set[str]:
    """The parameters that make no sense in a query."""
    try:
        picture(GridQuery(**asked))
    except ValidationError as error:
        return {details["ctx"]["field"] for details in error.errors()}
    except ProblemError as error:
        return {fault.parameter or "" for fault in error.errors or []}
    return set()


@pytest.mark.parametrize("name", PARAMETERS.values())
def test_every_field_is_changed_somewhere_without_being_refused(name: str) -> None:
    assert not all(refused({**base, name: CHANGES[name]}) for base in BASES)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", [name for name in PARAMETERS.values() if name != "dataset"])
def test_whatever_field_differs_the_url_and_the_etag_differ_or_it_is_refused(base: dict[str, Any], name: str) -> None:
    changed = {**base, name: CHANGES[name]}
    faults = refused(changed)
    if faults:
        assert name in faults or faults <= base.keys()  # or it does not go with what was asked for before
        return
    places = [location(picture(GridQuery(**asked))) for asked in (base, changed)]
    assert places[0] != places[1]
    assert etag(places[0]) != etag(places[1])


def test_another_judge_is_another_url() -> None:
    query = GridQuery(n=4, seed=1, digit="7", model=MODEL)
    by_class, by_one, by_other = (location(picture(query, judge)) for judge in (None, JUDGE, MODEL))
    assert by_one == f"{by_class}&judge={JUDGE}"
    assert by_other == f"{by_class}&judge={MODEL}"


seeds = st.integers(0, MAX_SEED)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "n": st.integers(1, 256),
    "seed": seeds,
    "at": points,
    "interpolate": st.tuples(seeds, seeds).map(lambda pair: "{},{}".format(*pair)),
    "frames": st.integers(2, 128),
    "start": st.integers(0, MAX_SEED - 256),
    "digit": st.from_regex("[0-9]{1,9}", fullmatch=True),
    "class": st.text(min_size=1, max_size=20),
    "cols": st.integers(1, 256),
    "pad": st.integers(0, 32),
    "scale": st.integers(1, 8),
    "invert": st.booleans(),
    "truncation": st.floats(0, 1),
    "nudge": nudges,
    "format": st.sampled_from(list(MEDIA_TYPES)),
    "dataset": st.just("icons"),
    "model": st.from_regex("[0-9a-f]{16}", fullmatch=True),
    "judge": st.just(JUDGE),
}
queries = st.fixed_dictionaries({}, optional={name: VALUES[name] for name in PARAMETERS.values()})


@given(queries, st.none() | st.just(JUDGE))
def test_a_url_loses_nothing(asked: dict[str, Any], judge: str | None) -> None:
    try:
        drawn = picture(GridQuery(**asked), judge)
    except (ValidationError, ProblemError):
        return  # refused
    assert picture_at(location(drawn)) == drawn


@pytest.mark.parametrize(
    "url",
    [
        f"/generate?n=4&seed=1&model={MODEL}",
        "/generate?n=4&seed=1&format=png",
        f"/generate?n=4&format=png&model={MODEL}",
        f"/train?n=4&seed=1&format=png&model={MODEL}",
        f"/generate?n=4&seed=1&format=png&model={MODEL}&more=1",
        f"/generate?{'&'.join(f'n{k}=1' for k in range(101))}",
        "",
    ],
)
def test_a_url_that_leaves_something_open_is_no_location(url: str) -> None:
    with pytest.raises(NotALocation):
        picture_at(url)
