"""The formats of /generate: each holds the same images, byte for byte."""

import time
import zipfile
from base64 import b64decode
from io import BytesIO
from typing import Any, get_args

import httpx
import numpy as np
import pytest
from PIL import Image

from app.images.formats import MEDIA_TYPES, MOVING, STILL, WEBP_SIDE, Format, to_npz, to_webp, to_zip
from tests.app.images.reading import drawn, grey

QUERY = "/generate?seed=5&start=3&n=5&digit=0123456789"


def alone(http: httpx.Client, k: int, more: str = "") -> bytes:
    return drawn(http, f"/generate?seed=5&start={k}&n=1&digit=0123456789{more}").content


def test_every_format_is_one_of_a_picture_that_moves_or_stands_still() -> None:
    assert set(MOVING) | set(STILL) == set(MEDIA_TYPES) == set(get_args(Format))


def test_webp_is_the_same_grid(http: httpx.Client) -> None:
    webp = drawn(http, f"{QUERY}&format=webp")
    assert Image.open(BytesIO(webp.content)).format == "WEBP"
    assert np.array_equal(grey(webp.content), grey(drawn(http, QUERY).content))


@pytest.mark.parametrize("more", ["", "&scale=3", "&invert=true", "&scale=2&invert=true"])
def test_zip_and_json_hold_each_image_as_when_it_is_drawn_alone(http: httpx.Client, more: str) -> None:
    archive = zipfile.ZipFile(BytesIO(drawn(http, f"{QUERY}&format=zip{more}").content))
    assert archive.namelist() == [f"{k}.png" for k in range(3, 8)]
    assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    answer = drawn(http, f"{QUERY}&format=json{more}")
    body = answer.json()
    assert (body["model"], body["seed"]) == (answer.headers["x-model-id"], 5)
    assert [(image["seed"], image["k"]) for image in body["images"]] == [(5, k) for k in range(3, 8)]
    for image in body["images"]:
        expected = alone(http, image["k"], more)
        assert archive.read(f"{image['k']}.png") == expected
        assert b64decode(image["png"]) == expected
        assert drawn(http, image["url"]).content == expected


def test_npz_holds_the_tiles_of_the_grid(http: httpx.Client) -> None:
    with np.load(BytesIO(drawn(http, f"{QUERY}&format=npz").content)) as arrays:
        (name,) = arrays.files
        images = arrays[name]
    assert (name, images.dtype, images.shape) == ("images", np.uint8, (5, 28, 28))
    strip = grey(drawn(http, f"{QUERY}&cols=5&pad=0").content)
    for k, image in enumerate(images):
        assert np.array_equal(image, strip[:, k * 28 : k * 28 + 28])
        assert np.array_equal(image, grey(alone(http, 3 + k)))


def test_inverted_is_black_on_white_between_the_images_too(http: httpx.Client) -> None:
    plain, inverted = (grey(drawn(http, f"{QUERY}&pad=3{more}").content) for more in ("", "&invert=1"))
    assert np.array_equal(inverted, 255 - plain)
    assert inverted[:, 28:31].min() == 255


@pytest.mark.parametrize("name", STILL)
def test_accept_works_as_format_does(http: httpx.Client, name: Format) -> None:
    expected = drawn(http, f"{QUERY}&format={name}")
    assert expected.headers["content-type"] == MEDIA_TYPES[name][0]
    assert "vary" not in expected.headers
    for media_type in MEDIA_TYPES[name]:
        answer = http.get(QUERY, headers={"accept": media_type})
        assert answer.content == expected.content
        assert answer.headers["content-location"] == expected.headers["content-location"]
        assert answer.headers["vary"] == "Accept"
    again = http.get(f"{QUERY}&format={name}", headers={"accept": "text/html"})
    assert again.content == expected.content  # what the URL says goes before


def test_no_two_pictures_share_an_etag_or_a_url(http: httpx.Client) -> None:
    changes = ["", "&n=6", "&start=4", "&cols=2", "&pad=1", "&scale=2", "&digit=1", "&invert=true", "&truncation=0.5"]
    changes += [f"&format={name}" for name in STILL if name != "png"]
    base = {"seed": "5", "n": "5"}
    answers = [http.get("/generate", params=base | dict(httpx.QueryParams(change))) for change in changes]
    for header in ("etag", "content-location"):
        assert len({answer.headers[header] for answer in answers}) == len(changes)
    for answer in answers:
        again = drawn(http, answer.headers["content-location"])
        assert (again.content, again.headers["etag"]) == (answer.content, answer.headers["etag"])


def test_what_is_not_there_is_not_acceptable(http: httpx.Client) -> None:
    answer = http.get("/generate", headers={"accept": "text/html, image/gif"})
    assert (answer.status_code, answer.headers["content-type"]) == (406, "application/problem+json")
    assert answer.json()["type"] == "not-acceptable"
    assert all(MEDIA_TYPES[name][0] in answer.json()["detail"] for name in STILL)


@pytest.mark.parametrize(
    ("query", "faults", "words"),
    [
        ("format=bmp", {"format": "bmp"}, "'png', 'webp'"),
        ("format=zip&cols=2", {"cols": 2}, "png, webp"),
        ("format=json&pad=2", {"pad": 2}, "png, webp"),
        ("format=npz&cols=2&pad=0&scale=2", {"cols": 2, "pad": 0, "scale": 2}, "png, webp"),
        ("format=webp&n=256&cols=256&scale=8", {"format": "webp"}, "16383"),
        ("invert=maybe", {"invert": "maybe"}, "boolean"),
    ],
)
def test_what_makes_no_sense_is_named(http: httpx.Client, query: str, faults: dict[str, Any], words: str) -> None:
    answer = http.get(f"/generate?{query}")
    assert answer.status_code == 422
    assert {error["parameter"]: error["value"] for error in answer.json()["errors"]} == faults
    assert all(words in error["detail"] for error in answer.json()["errors"])


def test_the_largest_webp_is_drawn(http: httpx.Client) -> None:
    side = 64 * (28 * 8 + 32) - 32
    assert side == WEBP_SIDE - 31
    assert grey(drawn(http, "/generate?n=64&cols=64&scale=8&pad=32&format=webp").content).shape == (224, side)


def test_archives_are_the_same_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28, 1)
    before = to_zip({"0.png": b"a", "1.png": b"b"}), to_npz(images)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(2e9))
    assert (to_zip({"0.png": b"a", "1.png": b"b"}), to_npz(images)) == before


def test_a_webp_loses_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, size=(50, 70, 1), dtype=np.uint8)
    assert np.array_equal(grey(to_webp(noise)), noise[..., 0])
