"""Own images through the whole service: uploaded, imported, trained on, drawn, downloaded, deleted."""

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from tests.imported import colourful
from tests.service import Service, follow
from tests.system.jobs import submit
from tests.worker.importing.archives import encoded, zipped

CLASSES = ["bag", "coat", "shoe"]
TRAINING = {"dataset": "shapes", "preset": "smoke", "num_images": None, "epochs": 1, "batch_size": 16}


def archive(seed: int) -> bytes:
    """A zip of 20 pictures a class in a folder each, beside what a desktop leaves in it."""
    pictures = [encoded(Image.fromarray(pixels), "PNG") for pixels in colourful(60, side=16, seed=seed)]
    files = {f"shapes/{CLASSES[k % 3]}/{k}.png": picture for k, picture in enumerate(pictures)}
    return zipped({**files, "shapes/.DS_Store": b"\0", "shapes/coat/no.png": b"not a picture"})


def imported(http: httpx.Client, data: bytes, status: str = "succeeded", **options: bool) -> dict[str, Any]:
    answer = http.post("/datasets", params={"name": "shapes", **options}, content=data)
    assert answer.status_code == 202, answer.text
    return follow(http, answer.headers["location"].removeprefix("/jobs/"), status)


def test_from_a_zip_to_images_of_ones_own(service: Service, http: httpx.Client, tmp_path: Path) -> None:
    job = imported(http, archive(seed=1))
    dataset = http.get("/datasets/shapes").json()
    assert dataset["id"] == job["dataset"]
    card = dataset["card"]
    assert (card["image_shape"], card["train"] + card["test"]) == ({"side": 16, "channels": 3}, 60)
    assert [one["name"] for one in card["classes"]] == CLASSES
    problems = {one["file"]: one["code"] for one in http.get("/datasets/shapes/problems").json()["data"]}
    assert problems == {"shapes/.DS_Store": "junk", "shapes/coat/no.png": "not-an-image"}

    # The model that ships stays active for everybody who does not ask for this data set.
    active = http.get("/models/active").json()["id"]
    trained = follow(http, submit(http, TRAINING), "succeeded")
    assert trained["recipe"]["classes"] == 3
    assert trained["publication"]["active"]
    assert http.get("/models/active").json()["id"] == active

    drawn = http.get("/generate", params={"dataset": "shapes", "class": "shoe", "n": 4, "seed": 1, "format": "png"})
    with Image.open(io.BytesIO(drawn.content)) as picture:
        assert (picture.mode, picture.size) == ("RGB", (34, 34))
    assert f"model={trained['model']}" in drawn.headers["content-location"]
    again = http.get(drawn.headers["content-location"])
    assert again.content == drawn.content

    # A new version takes the name over; what the first is, it stays.
    newer = imported(http, archive(seed=2))
    assert http.get("/datasets/shapes").json()["id"] == newer["dataset"] != job["dataset"]
    download = http.get(f"/datasets/{job['dataset']}/download").content
    arrays = np.load(io.BytesIO(download), allow_pickle=False)
    assert len(arrays["train_images"]) + len(arrays["test_images"]) == 60
    assert imported(http, download, dry_run=True)["dataset"] is None
    assert imported(http, download)["dataset"] == job["dataset"]

    # Deleted, its pixels are gone, and what was trained on it draws as before.
    assert http.delete(f"/datasets/{job['dataset']}").status_code == 204
    assert http.get(f"/datasets/{job['dataset']}").json()["state"] == "deleted"
    assert http.get(drawn.headers["content-location"], headers={"cache-control": "no-cache"}).content == drawn.content
    refused = http.post("/train", json={**TRAINING, "dataset": job["dataset"]})
    assert refused.status_code == 422, refused.text


def test_what_cannot_be_a_data_set_is_rejected_with_its_report(service: Service, http: httpx.Client) -> None:
    good = {f"{k}.png": encoded(Image.fromarray(pixels), "PNG") for k, pixels in enumerate(colourful(30, side=16))}
    bad = {f"bad/{k}.png": b"<html>no such page</html>" for k in range(20)}
    job = imported(http, zipped({**good, **bad}), "failed")
    assert (job["error"]["type"], job["error"]["retryable"]) == ("rejected", False)
    assert "20 of 50" in job["error"]["detail"]
    report = http.get(f"/jobs/{job['id']}/report").json()
    assert report["rejected"] == job["error"]["detail"]
    assert report["problems"] == {"not-an-image": 20}

    words = imported(http, zipped({f"{k}.png": b"words" for k in range(20)}), "failed")
    assert words["error"]["type"] == "rejected"
    assert "no image in this zip; its files by kind: 20 text" in words["error"]["detail"]
