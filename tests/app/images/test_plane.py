"""Points of the plane of seeds, and steps along directions, over HTTP."""

import zipfile
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from models.shelf import Shelf
from tests.app.images.reading import drawn, grey
from tests.tiny import save_tiny

POINT, NUDGED = "/generate?at=1.5,2.25&n=4", "/generate?seed=3&n=4&nudge=0:1.5,3:-2"


@pytest.fixture
def model(http: httpx.Client) -> str:
    model_id: str = http.get("/models/active").json()["id"]
    return model_id


@pytest.mark.parametrize("more", ["", "&digit=58&start=3", "&cols=4&pad=1&scale=2&invert=true", "&truncation=0.5"])
def test_at_whole_numbers_of_the_plane_lie_seeds(http: httpx.Client, more: str) -> None:
    at, seed = (drawn(http, f"/generate?{place}&n=4{more}") for place in ("at=7,2", "seed=2007"))
    assert np.array_equal(grey(at.content), grey(seed.content))
    assert at.headers["x-seed"] == "2007"
    assert "&at=7,2&" in at.headers["content-location"]  # it stays a point of the plane
    assert at.headers["etag"] != seed.headers["etag"]


def test_between_them_images_change_step_by_step(http: httpx.Client) -> None:
    way = [grey(drawn(http, f"/generate?at={7 + step / 8},2&n=16&digit=3").content).astype(int) for step in range(9)]
    changes = [np.abs(one - other).mean() for one, other in zip(way[1:], way[:-1], strict=True)]
    assert min(changes) > 0
    assert max(changes) < np.abs(way[-1] - way[0]).mean()
    assert np.array_equal(way[-1], grey(drawn(http, "/generate?seed=2008&n=16&digit=3").content))


def test_steps_of_opposite_signs_lead_apart_and_small_ones_less_far(http: httpx.Client) -> None:
    plain, *steps = (
        grey(drawn(http, f"/generate?seed=3&n=16&digit=3{nudge}").content).astype(int)
        for nudge in ("", "&nudge=0:0.5", "&nudge=0:3", "&nudge=0:-3")
    )
    little, forth, back = (np.abs(step - plain).mean() for step in steps)
    assert 0 < little < min(forth, back)
    assert np.abs(steps[1] - steps[2]).mean() > max(forth, back)


@pytest.mark.parametrize("named", ["at=1.5,2.25", "seed=3&nudge=0:1.5,3:-2", "at=1.5,2.25&nudge=1:2&truncation=0.7"])
def test_an_image_does_not_depend_on_those_it_is_drawn_with_nor_on_the_format(http: httpx.Client, named: str) -> None:
    url = f"/generate?{named}&n=20"
    many = drawn(http, f"{url}&format=json").json()["images"]
    archive = zipfile.ZipFile(BytesIO(drawn(http, f"{url}&format=zip").content))
    array = np.load(BytesIO(drawn(http, f"{url}&format=npz").content))["images"]
    for k in (0, 7, 19):
        alone = drawn(http, f"/generate?{named}&n=1&start={k}").content
        assert alone == b64decode(many[k]["png"]) == archive.read(f"{k}.png")
        assert np.array_equal(array[k], grey(alone))
        assert drawn(http, many[k]["url"]).content == alone


@pytest.mark.parametrize("url", [POINT, NUDGED, "/generate?interpolate=3,9&n=4&frames=5&nudge=2:3"])
def test_it_is_cached_as_a_picture_of_a_seed_is(http: httpx.Client, url: str) -> None:
    first = drawn(http, url)
    assert first.headers["cache-control"] == "no-cache"
    place = first.headers["content-location"]
    again = drawn(http, place)
    assert again.content == first.content
    assert again.headers["content-location"] == place
    assert "immutable" in again.headers["cache-control"]
    for asked in (url, place):
        assert http.get(asked, headers={"if-none-match": first.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("texts", "canonical"),
    [
        (["at=1.5,2", "at=01.50,2.000", "at=1.5%2C2", "at=1.5,2&nudge=0:0"], "at=1.5,2"),
        (
            ["seed=3&nudge=0:1.5,3:-2", "seed=3&nudge=3:-2.0,7:0,00:1.50", "seed=3&nudge=3%3A-2,0%3A1.5"],
            "nudge=0:1.5,3:-2",
        ),
        (["seed=3", "seed=3&nudge=4:-0,5:0.00"], "seed=3"),
    ],
)
def test_one_picture_has_one_url_however_it_is_written(http: httpx.Client, texts: list[str], canonical: str) -> None:
    answers = [drawn(http, f"/generate?{text}") for text in texts]
    assert len({answer.headers["content-location"] for answer in answers}) == 1
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert canonical in answers[0].headers["content-location"]


def test_a_walk_is_nudged_in_all_frames(http: httpx.Client) -> None:
    plain, nudged = (
        drawn(http, f"/generate?interpolate=3,9&n=1&frames=2&format=gif{nudge}").content for nudge in ("", "&nudge=0:4")
    )
    assert plain != nudged
    first = drawn(http, "/generate?seed=3&n=1&nudge=0:4")
    assert np.array_equal(grey(nudged), grey(first.content))


@pytest.mark.parametrize(
    ("query", "faults", "words"),
    [
        ("at=1.2345,0", {"at": "1.2345,0"}, "3 decimals at most"),
        ("at=1000,0", {"at": "1000,0"}, "x from 0 to 999"),
        ("at=-1,0", {"at": "-1,0"}, "allowed: x,y"),
        ("at=", {"at": ""}, "allowed: x,y"),
        ("at=1,2&seed=3", {"seed": 3}, "at names the seeds"),
        ("at=1,2&interpolate=3,9", {"at": "1,2"}, "interpolate names the seeds"),
        ("at=1,2&interpolate=3,9&seed=3", {"at": "1,2", "seed": 3}, "interpolate names the seeds"),
        ("at=1,2&format=gif", {"format": "gif"}, "png, webp"),
        ("at=1,2&frames=3", {"frames": 3}, "with interpolate"),
        ("nudge=0:11", {"nudge": "0:11"}, "-10 to 10"),
        ("nudge=0:1,0:2", {"nudge": "0:1,0:2"}, "each direction once"),
        ("nudge=0:0.001", {"nudge": "0:0.001"}, "2 decimals at most"),
        ("nudge=", {"nudge": ""}, "direction:amount"),
        ("nudge=2:1,100:1", {"nudge": "2:1,100:1"}, "no direction 100; allowed: 0 to 99"),
    ],
)
def test_what_makes_no_sense_is_named(http: httpx.Client, query: str, faults: dict[str, Any], words: str) -> None:
    answer = http.get(f"/generate?{query}")
    assert answer.status_code == 422
    assert {error["parameter"]: error["value"] for error in answer.json()["errors"]} == faults
    assert all(words in error["detail"] for error in answer.json()["errors"])


def test_a_model_has_as_many_directions_as_z_has_dimensions(http: httpx.Client, shelf: Shelf, tmp_path: Path) -> None:
    save_tiny(tmp_path / "small", z_dim=9)
    small = shelf.add(tmp_path / "small").model_id
    found = http.get(f"/models/{small}/directions").raise_for_status().json()
    assert found["model"] == small
    assert [direction["number"] for direction in found["data"]] == list(range(9))
    drawn(http, f"/generate?model={small}&nudge=8:1")
    refused = http.get(f"/generate?model={small}&nudge=9:1")
    assert refused.json()["errors"][0]["detail"] == "the model has no direction 9; allowed: 0 to 8"


def test_the_shares_of_directions_add_up_and_the_largest_is_first(http: httpx.Client, model: str) -> None:
    answer = http.get(f"/models/{model}/directions").raise_for_status()
    shares = [direction["share"] for direction in answer.json()["data"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert "immutable" in answer.headers["cache-control"]
    known = http.get(f"/models/{model}/directions", headers={"if-none-match": answer.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_a_model_that_is_not_there_has_none(http: httpx.Client) -> None:
    answer = http.get("/models/0123456789abcdef/directions")
    assert (answer.status_code, answer.json()["type"]) == (404, "model-not-found")
    assert http.get("/models/active/directions").status_code == 404
