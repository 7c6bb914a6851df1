"""A data set of one's own from a file to drawn images and back, with a worker."""

import io
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.app.http.test_errors import problem
from tests.imported import colourful
from tests.service import follow

NAMES = ["Hemd", "schöne Schuhe", "7"]
TINY = {"epochs": 1, "passes": 1, "g_filters": 4, "d_filters": 4}


def packed(images: np.ndarray, names: list[str]) -> bytes:
    """A zip of PNGs, with a folder for each class if there are names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k, pixels in enumerate(images):
            png = io.BytesIO()
            Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(png, "PNG")
            archive.writestr(f"own/{names[k % len(names)]}/{k}.png" if names else f"{k}.png", png.getvalue())
    return buffer.getvalue()


def imported(http: httpx.Client, content: bytes, query: str) -> dict[str, Any]:
    """The job of an import that has succeeded."""
    answer = http.post(f"/datasets?{query}", content=content)
    assert answer.status_code == 202, answer.text
    return follow(http, answer.json()["id"], "succeeded")


@pytest.mark.parametrize(
    ("images", "names", "query"),
    [
        (colourful(60, 32, 3, seed=60), NAMES, "name=round-trip"),
        (colourful(600, 16, 1, seed=61), [], "name=round-trip"),
        (colourful(600, 16, 1, seed=62), ["a", "b"], "name=round-trip&split=none"),
    ],
)
def test_a_download_gives_the_same_id_when_it_is_imported_again(
    http: httpx.Client, images: np.ndarray, names: list[str], query: str
) -> None:
    first = imported(http, packed(images, names), query)
    card = http.get(first["links"]["dataset"]).json()["card"]
    assert sorted(one["name"] for one in card["classes"] or []) == sorted(names)
    again = imported(http, http.get(f"/datasets/{first['dataset']}/download").content, "name=round-trip")
    assert again["dataset"] == first["dataset"]


def test_it_is_trained_drawn_from_by_class_and_deleted(http: httpx.Client) -> None:
    dataset = imported(http, packed(colourful(90, 16, seed=63), NAMES), "name=drawn")["dataset"]
    active = http.get("/models/active").json()["id"]
    answer = http.post("/train", json={"dataset": "drawn", "preset": "quality", "batch_size": 16, **TINY})
    assert answer.status_code == 202, answer.text
    problem(http.delete("/datasets/drawn"), 409, "dataset-in-use")
    job = follow(http, answer.json()["id"], "succeeded")
    assert (job["dataset_id"], job["recipe"]["classes"], job["publication"]["active"]) == (dataset, 3, True)
    assert http.get("/models/active").json()["id"] == active  # that of those who ask for no data set
    assert http.get("/datasets/drawn/floor").status_code == 200
    drawn = http.get("/generate", params={"dataset": "drawn", "class": "schöne Schuhe", "n": 1, "seed": 1})
    with Image.open(io.BytesIO(drawn.content)) as image:
        assert (image.mode, image.size) == ("RGB", (16, 16))
    assert http.delete("/datasets/drawn").status_code == 204
    url = drawn.headers["content-location"]
    assert f"model={job['model']}" in url
    assert http.get(url.replace("scale=1", "scale=2")).status_code == 200  # drawn anew
    assert http.get(url).content == drawn.content


def test_a_rejected_import_says_why_and_its_file_can_be_imported_again(http: httpx.Client) -> None:
    answer = http.post("/datasets?name=few", content=packed(colourful(3, 16, seed=64), []))
    job = follow(http, answer.json()["id"], "failed")
    assert (job["error"]["type"], job["dataset"]) == ("rejected", None)
    assert http.get(job["links"]["report"]).json()["rejected"] == job["error"]["detail"]
    problem(http.get("/datasets/few"), 404, "dataset-not-found")
    again = http.post(f"/datasets?name=few&upload={job['upload']}&dry_run=true")
    follow(http, again.json()["id"], "failed", "succeeded")


def test_an_import_with_too_many_bad_files_is_rejected_with_each_of_them(http: httpx.Client) -> None:
    data = io.BytesIO(packed(colourful(30, 16, seed=65), []))
    with zipfile.ZipFile(data, "a") as archive:
        for k in range(20):
            archive.writestr(f"bad/{k}.png", b"<html>no such page</html>")
    answer = http.post("/datasets?name=bad", content=data.getvalue())
    job = follow(http, answer.json()["id"], "failed")
    assert (job["error"]["type"], job["error"]["retryable"]) == ("rejected", False)
    assert "20 of 50" in job["error"]["detail"]
    assert http.get(job["links"]["report"]).json()["problems"] == {"not-an-image": 20}
    page = http.get(job["links"]["problems"]).json()["data"]
    assert {one["file"] for one in page} == {f"bad/{k}.png" for k in range(20)}
