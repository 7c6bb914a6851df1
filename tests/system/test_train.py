"""From POST /train to a page of digits: what a job makes, and whether its model goes live."""

from io import BytesIO
from xml.etree import ElementTree

import httpx
import numpy as np
from PIL import Image

from tests.service import follow
from tests.system.jobs import submit


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)))


def test_a_job_trains_and_its_model_is_drawn_from(http: httpx.Client) -> None:
    before = http.get("/models").json()["active"]
    job = follow(http, submit(http, {"preset": "smoke", "seed": 11, "publish": "always"}), "succeeded")
    assert job["publication"] == {"active": True, "reason": "the job said publish = always"}
    assert job["progress"]["epoch"] == job["progress"]["epochs"] == 2
    assert job["progress"]["step"] == job["progress"]["total_steps"] == 16
    assert job["progress"]["images_per_s"] > 0
    assert set(job["progress"]["losses"]) == {"loss_d", "loss_g", "d_real", "d_fake"}
    assert job["device"]
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]

    drawn = http.get("/generate?n=16")
    assert drawn.headers["x-model-id"] == job["model"] != before
    card = http.get(f"/models/{job['model']}").json()["card"]
    assert card["recipe"] == job["recipe"]

    samples = http.get(f"/jobs/{job['id']}/samples").json()["data"]
    assert [sample["epoch"] for sample in samples] == [0, 1, 2]
    pictures = [http.get(sample["href"]).content for sample in samples]
    assert Image.open(BytesIO(pictures[0])).size == (8 * 28 + 7 * 2, 8 * 28 + 7 * 2)
    assert len(set(pictures)) == 3
    assert http.get(f"/jobs/{job['id']}/samples/latest").content == pictures[-1]
    assert http.get(f"/jobs/{job['id']}/samples/9").status_code == 404
    again = http.get(f"{job['links']['generate']}&seed=11&n=64").content
    assert np.array_equal(pixels(again), pixels(pictures[-1]))  # the files differ by what the first says of itself

    curves = http.get(f"{job['links']['curves']}?format=json").json()["data"]
    assert [point["epoch"] for point in curves] == [1, 2]
    assert curves[-1]["scores"] == job["progress"]["scores"] == card["scores"]
    assert curves[-1]["losses"] == card["losses"]
    picture = http.get(job["links"]["curves"])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert len(ElementTree.fromstring(picture.text).findall("{*}polyline")) == 5

    back = http.put("/models/active", json={"model": before})
    assert back.json()["active"]
    assert http.get("/generate").headers["x-model-id"] == before


def test_a_job_that_is_not_to_be_published_leaves_the_active_model(http: httpx.Client) -> None:
    before = http.get("/models").json()["active"]
    job = follow(http, submit(http, {"preset": "smoke", "seed": 12, "publish": "never"}), "succeeded")
    assert http.get("/models").json()["active"] == before
    assert job["publication"] == {"active": False, "reason": "the job said publish = never"}
    assert http.get(f"/generate?model={job['model']}").status_code == 200


def test_a_worse_model_does_not_go_live_and_a_better_one_does(http: httpx.Client) -> None:
    shipped = http.get("/models").json()["active"]
    worse = follow(http, submit(http, {"preset": "smoke", "seed": 13}), "succeeded")
    assert not worse["publication"]["active"]
    assert f"it is worse than the active model {shipped}: frechet" in worse["publication"]["reason"]
    assert http.get("/models").json()["active"] == shipped
    assert http.get("/generate").headers["x-model-id"] == shipped
    assert http.get(f"/models/{worse['model']}").json()["card"]["scores"] == worse["progress"]["scores"]
    best, scores = worse["progress"]["best"], worse["progress"]["scores"]
    assert best == {"epoch": 2} | {name: scores[name] for name in ("frechet", "kid", "compared_by")}

    assert http.put("/models/active", json={"model": worse["model"]}).json()["active"]
    better = follow(http, submit(http, {"preset": "smoke", "seed": 13, "epochs": 12}), "succeeded")
    assert better["publication"] == {
        "active": True,
        "reason": f"it is no worse than {worse['model']}, which was active before",
    }
    assert http.get("/generate").headers["x-model-id"] == better["model"]

    for expected in (worse["model"], better["model"]):  # one call goes back, the next one forth again
        assert http.put("/models/active", json={"model": "previous"}).json()["id"] == expected
        assert http.get("/generate").headers["x-model-id"] == expected
    assert http.get("/models").json()["previous"] == worse["model"]
    http.put("/models/active", json={"model": shipped})


def test_an_empty_body_trains_the_default(http: httpx.Client) -> None:
    response = http.post("/train")
    assert response.status_code == 202
    job = response.json()
    assert (job["preset"], job["publish"]) == ("quality", "auto")
    assert http.get(f"{job['links']['curves']}?format=json").json() == {"data": []}
    assert ElementTree.fromstring(http.get(job["links"]["curves"]).text).findall("{*}polyline") == []
    assert http.post(job["links"]["cancel"]).status_code == 202
    follow(http, job["id"], "cancelled")
