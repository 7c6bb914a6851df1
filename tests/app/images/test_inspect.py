"""From a picture back to the URL that draws it."""

import json
import zipfile
from base64 import b64decode
from contextlib import suppress
from io import BytesIO
from typing import Any
from zlib import crc32

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.images.origin import KEYWORD, ImageOrigin, NoOrigin, NotAPng, as_text, read
from models.grid import to_png

MODEL = "0123456789abcdef"
URL = f"/generate?n=2&seed=7&start=3&cols=2&pad=2&scale=1&format=png&model={MODEL}"
TOLD = {"model": MODEL, "seed": 7, "start": 3, "n": 2, "url": URL}


def inspect(http: httpx.Client, body: bytes, content_type: str = "image/png") -> httpx.Response:
    return http.post("/inspect", content=body, headers={"content-type": content_type})


def a_png(text: dict[str, str]) -> bytes:
    return to_png(np.zeros((28, 28, 1), dtype=np.uint8), text)


@pytest.mark.parametrize(
    "query",
    [
        "n=16",
        "n=3&seed=9&start=5&digit=407&cols=3&pad=1&scale=2",
        "n=256&invert=true&truncation=0.3",
        "n=1&seed=9007199254740991",
        "n=9&at=1.5,2&digit=40",
        "n=4&at=7,2&scale=2",
        "n=4&seed=3&nudge=0:1.5,3:-2",
        "n=4&at=999,9007199254738.999&start=7&truncation=0.5&nudge=99:-10",
    ],
)
def test_a_picture_leads_back_to_its_own_bytes(http: httpx.Client, query: str) -> None:
    drawn = http.get(f"/generate?{query}")
    found = inspect(http, drawn.content[:4096]).raise_for_status().json()
    asked = httpx.QueryParams(query)
    assert found == {
        "model": drawn.headers["x-model-id"],
        "weights": drawn.headers["x-model-id"],
        "on_shelf": True,
        "seed": int(drawn.headers["x-seed"]),
        "at": asked.get("at"),
        "start": int(asked.get("start", 0)),
        "n": int(asked["n"]),
        "digit": asked.get("digit"),
        "class": None,
        "nudge": asked.get("nudge"),
        "judge": None,
        "url": drawn.headers["content-location"],
    }
    again = http.get(found["url"])
    assert again.content == drawn.content


def test_so_does_each_image_of_a_zip_and_of_json(http: httpx.Client) -> None:
    query = "/generate?n=3&seed=5&start=4&scale=2"
    archive = zipfile.ZipFile(BytesIO(http.get(f"{query}&format=zip").content))
    pngs = [archive.read(name) for name in archive.namelist()]
    pngs += [b64decode(image["png"]) for image in http.get(f"{query}&format=json").json()["images"]]
    assert len(pngs) == 6
    for png, k in zip(pngs, [4, 5, 6] * 2, strict=True):
        found = inspect(http, png).json()
        assert (found["seed"], found["start"], found["n"]) == (5, k, 1)
        assert http.get(found["url"]).content == png


def test_the_text_is_an_itxt_that_any_reader_of_png_finds(http: httpx.Client) -> None:
    drawn = http.get("/generate?n=4&seed=2")
    image = Image.open(BytesIO(drawn.content))
    told = json.loads(image.info[KEYWORD])
    location = drawn.headers["content-location"]
    assert told == {"model": drawn.headers["x-model-id"], "seed": 2, "start": 0, "n": 4, "url": location}


def test_a_model_that_is_not_here_is_told(http: httpx.Client) -> None:
    found = inspect(http, a_png({KEYWORD: json.dumps(TOLD)})).raise_for_status().json()
    nothing = dict.fromkeys(("at", "digit", "class", "nudge", "judge"))
    assert found == {**TOLD, "weights": TOLD["model"], "on_shelf": False, **nothing}


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://example.org/generate?n=2"},
        {"url": URL.replace("/generate", "https://example.org/generate")},
        {"url": URL.replace("/generate", "/train")},
        {"url": f"{URL}&next=https://example.org"},
        {"url": f"{URL}#<script>"},
        {"url": URL.replace("n=2", "n=257"), "n": 257},
        {"url": URL.replace("seed=7", "seed=-7"), "seed": -7},
        {"url": URL.replace("seed=7&", "")},
        {"url": URL.replace("format=png", "format=zip")},
        {"url": URL.replace(MODEL, "..%2F..%2Fetc"), "model": "../../etc"},
        {"url": URL.replace("n=2&seed=7", "seed=7&n=2")},
        {"url": f"{URL}&interpolate=7,8"},
        {"url": f"{URL}&frames=3"},
        {"url": f"{URL}&truncation=2"},
        {"url": f"{URL}&judge={MODEL}"},
        {"url": f"{URL}&judge=nobody"},
        {"n": 3},
        {"start": 4},
        {"seed": 8},
        {"seed": "7"},
        {"model": MODEL[::-1]},
        {"more": 1},
    ],
)
def test_what_could_not_have_been_written_here_is_not_echoed(http: httpx.Client, change: dict[str, Any]) -> None:
    answer = inspect(http, a_png({KEYWORD: json.dumps({**TOLD, **change})}))
    assert (answer.status_code, answer.json()["type"]) == (422, "no-provenance")
    assert "example.org" not in answer.text


@pytest.mark.parametrize("text", [{}, {"Comment": json.dumps(TOLD)}, {KEYWORD: ""}, {KEYWORD: "{"}, {KEYWORD: "[]"}])
def test_a_png_from_elsewhere_tells_no_origin(http: httpx.Client, text: dict[str, str]) -> None:
    answer = inspect(http, a_png(text))
    assert (answer.status_code, answer.json()["type"]) == (422, "no-provenance")
    assert KEYWORD in answer.json()["detail"]


def test_what_is_no_png_is_refused(http: httpx.Client) -> None:
    png = a_png({KEYWORD: json.dumps(TOLD)})
    altered = png.replace(b'"seed": 7', b'"seed": 8')
    assert altered != png
    for body in (b"", b"GIF89a", png[1:], png[:100], altered):
        answer = inspect(http, body)
        assert (answer.status_code, answer.json()["type"]) == (422, "not-a-png")
    for content_type in ("image/gif", "application/octet-stream", ""):
        answer = inspect(http, png, content_type)
        assert (answer.status_code, answer.json()["type"]) == (415, "unsupported-media-type")
        assert "allowed: image/png" in answer.json()["detail"]
    assert inspect(http, png, "Image/PNG; charset=binary").status_code == 200


def test_a_file_that_is_too_large_is_refused(http: httpx.Client) -> None:
    answer = inspect(http, a_png({"filler": "x" * 100_000}))
    assert (answer.status_code, answer.json()["type"]) == (413, "payload-too-large")


@given(st.binary(max_size=200), st.integers(0, 400), st.binary(max_size=8))
def test_no_bytes_make_reading_fail_otherwise(tail: bytes, position: int, splice: bytes) -> None:
    whole = a_png(as_text(ImageOrigin.model_validate(TOLD)))
    framed = len(tail).to_bytes(4) + b"iTXt" + tail + crc32(b"iTXt" + tail).to_bytes(4)
    for png in (tail, whole[:8] + framed, whole[:position] + splice + whole[position:], whole[:8] + tail):
        with suppress(NotAPng, NoOrigin):
            assert read(png) == ImageOrigin.model_validate(TOLD)


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("0123456789abcdef@latest", "0123456789abcdef"),
        ("0123456789abcdef@1", None),
        ("0123456789abcdef@1", "x"),
        ("0123456789abcdef", "0123456789abcdef"),
        ("0123456789abcdef@01", "0123456789abcdef"),
    ],
)
def test_a_checkpoint_is_named_by_its_epoch_and_its_weights(http: httpx.Client, model: str, weights: str) -> None:
    url = str(TOLD["url"]).replace(str(TOLD["model"]), model)
    told = {**TOLD, "model": model, "url": url, "weights": weights}
    answer = inspect(http, a_png({KEYWORD: json.dumps(told)}))
    assert (answer.status_code, answer.json()["type"]) == (422, "no-provenance")
