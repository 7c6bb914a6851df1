"""Walks between seeds, and truncation, over HTTP."""

from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.images.formats import FRAME_MS, MEDIA_TYPES, to_animation
from models.shelf import Shelf
from tests.app.images.reading import drawn, grey
from tests.tiny import save_tiny

WALK = "/generate?interpolate=3,9&n=4&frames=7"


def frames(data: bytes) -> list[np.ndarray]:
    image = Image.open(BytesIO(data))
    assert image.info["loop"] == 0
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        found.append(np.asarray(image.convert("L")))
        assert image.info["duration"] == FRAME_MS
    return found


@pytest.mark.parametrize("more", ["", "&digit=58&start=3", "&cols=4&pad=1&scale=2&invert=true", "&truncation=0.5"])
def test_a_walk_goes_from_the_images_of_one_seed_to_those_of_the_other(http: httpx.Client, more: str) -> None:
    webp, gif = (frames(drawn(http, f"{WALK}{more}&format={name}").content) for name in ("webp", "gif"))
    assert len(webp) == 7
    assert all(np.array_equal(one, other) for one, other in zip(webp, gif, strict=True))
    assert np.array_equal(webp[0], grey(drawn(http, f"/generate?seed=3&n=4{more}").content))
    if "digit" in more:  # otherwise the classes are those of seed 3
        assert np.array_equal(webp[-1], grey(drawn(http, f"/generate?seed=9&n=4{more}").content))
    changes = [np.abs(one.astype(int) - other).mean() for one, other in zip(webp[1:], webp[:-1], strict=True)]
    assert min(changes) > 0
    assert max(changes) < np.abs(webp[-1].astype(int) - webp[0]).mean()  # it is on its way, step by step


def test_an_image_of_a_walk_does_not_depend_on_what_it_is_drawn_with(http: httpx.Client) -> None:
    many = frames(drawn(http, "/generate?interpolate=3,9&n=20&frames=5&cols=20&pad=0").content)
    alone = frames(drawn(http, "/generate?interpolate=3,9&n=1&start=17&frames=5").content)
    assert all(np.array_equal(one, of[:, 17 * 28 : 18 * 28]) for one, of in zip(alone, many, strict=True))


def test_a_walk_is_cached_as_a_picture_is(http: httpx.Client) -> None:
    first = drawn(http, WALK)
    assert first.headers["content-type"] == "image/webp"
    assert (first.headers["cache-control"], first.headers["vary"]) == ("no-cache", "Accept")
    assert "interpolate=3,9&frames=7" in first.headers["content-location"]
    again = drawn(http, first.headers["content-location"])
    assert again.content == first.content
    assert "immutable" in again.headers["cache-control"]
    assert http.get(WALK, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    others = [
        http.get(WALK, params={**dict(httpx.QueryParams(WALK.partition("?")[2])), **change}) for change in CHANGES
    ]
    assert len({answer.headers["etag"] for answer in (first, *others)}) == 1 + len(CHANGES)
    assert http.get(WALK, headers={"accept": "image/gif"}).headers["content-type"] == "image/gif"
    refused = http.get(WALK, headers={"accept": "image/png"})
    assert (refused.status_code, refused.json()["type"]) == (406, "not-acceptable")
    assert "image/webp, image/gif" in refused.json()["detail"]


CHANGES: list[dict[str, str]] = [
    {"interpolate": "9,3"},
    {"frames": "8"},
    {"format": "gif"},
    {"truncation": "0.5"},
    {"start": "1"},
]


def test_truncation_draws_images_that_are_more_alike(http: httpx.Client) -> None:
    full, half, none = (
        drawn(http, f"/generate?seed=1&n=16&cols=16&pad=0&digit=7&truncation={truncation}").content
        for truncation in ("1.0", "0.5", "0")
    )
    assert full == drawn(http, "/generate?seed=1&n=16&cols=16&pad=0&digit=7").content
    spread = [grey(png).reshape(28, 16, 28).std(axis=1).mean() for png in (full, half, none)]
    assert spread[0] > spread[1] > spread[2] == 0
    alone = grey(drawn(http, "/generate?seed=1&n=1&start=13&digit=7&truncation=0.5").content)
    assert np.array_equal(alone, grey(half)[:, 13 * 28 : 14 * 28])


@pytest.mark.parametrize(
    ("query", "faults", "words"),
    [
        ("interpolate=3", {"interpolate": "3"}, "pattern"),
        ("interpolate=3,x", {"interpolate": "3,x"}, "pattern"),
        ("interpolate=3,3", {"interpolate": "3,3"}, "two different seeds"),
        ("interpolate=3,9007199254740992", {"interpolate": "3,9007199254740992"}, "0 to 9007199254740991"),
        ("interpolate=3,9&seed=3", {"seed": 3}, "names the seeds"),
        ("interpolate=3,9&format=png", {"format": "png"}, "webp, gif"),
        ("interpolate=3,9&format=zip&cols=2", {"format": "zip", "cols": 2}, "webp, gif"),
        ("interpolate=3,9&frames=1", {"frames": "1"}, "greater than or equal to 2"),
        ("interpolate=3,9&frames=129", {"frames": "129"}, "less than or equal to 128"),
        ("interpolate=3,9&n=64&frames=17", {"frames": 17}, "2 to 16"),
        ("interpolate=3,9&n=16&scale=8&frames=6", {"frames": 6}, "2 to 5"),
        ("interpolate=3,9&n=256&scale=8", {"frames": 24}, "too large"),
        ("interpolate=3,9&truncation=0", {"truncation": 0}, "more than 0"),
        ("frames=5", {"frames": 5}, "with interpolate"),
        ("format=gif", {"format": "gif"}, "png, webp, zip, json, npz"),
        ("truncation=1.1", {"truncation": "1.1"}, "less than or equal to 1"),
        ("truncation=-0.1", {"truncation": "-0.1"}, "greater than or equal to 0"),
        ("truncation=nan", {"truncation": "nan"}, "finite"),
    ],
)
def test_what_makes_no_sense_is_named(http: httpx.Client, query: str, faults: dict[str, Any], words: str) -> None:
    answer = http.get(f"/generate?{query}")
    assert answer.status_code == 422
    assert {error["parameter"]: error["value"] for error in answer.json()["errors"]} == faults
    assert all(words in error["detail"] for error in answer.json()["errors"])


def test_the_judge_picks_among_the_images_of_a_seed_alone(http: httpx.Client, shelf: Shelf, tmp_path: Path) -> None:
    save_tiny(tmp_path / "unlabelled", dataset="mnist")
    model = shelf.add(tmp_path / "unlabelled").model_id
    for change in ("interpolate=3,9", "truncation=0.5", "at=1.5,0", "at=1,0", "nudge=0:1"):
        drawn(http, f"/generate?model={model}&{change}")
        answer = http.get(f"/generate?model={model}&digit=7&{change}")
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["parameter"], error["value"]) == ("digit", "7")
        assert "allowed: without at, interpolate, nudge and truncation" in error["detail"]


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_an_animation_loses_nothing(kind: Any) -> None:
    noise = list(np.random.default_rng(0).integers(0, 256, size=(6, 50, 70), dtype=np.uint8))
    for expected, found in zip(noise, frames(to_animation(noise, kind)), strict=True):
        assert np.array_equal(found, expected)
    assert MEDIA_TYPES[kind] == (f"image/{kind}",)
