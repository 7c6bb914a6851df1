"""The judge that picks a digit for a model without classes: part of the URL, and of nothing else."""

import json
import shutil
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import httpx
import pytest
import torch
from PIL import Image
from safetensors.torch import save as format_tensors

from app.http.services import Services
from app.images.origin import KEYWORD
from models.judge import FOLDER, JUDGE_CARD, WEIGHTS, Judge, read_judge_card
from tests.in_process import Api, served
from tests.tiny import save_tiny
from worker.training.data import EMBEDDED

SHIPPED = read_judge_card(EMBEDDED / "mnist" / FOLDER).judge_id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A judge beside a data set of our own."""
    folder = tmp_path / "datasets" / "mnist" / FOLDER
    shutil.copytree(EMBEDDED / "mnist" / FOLDER, folder)
    return folder


@pytest.fixture
def own_api(tmp_path: Path, folder: Path, services: Services) -> Iterator[Api]:
    """An API that draws with the judge in that folder."""
    own = {"datasets_dir": folder.parents[1], "data_dir": tmp_path / "var"}
    with served(services.settings.model_copy(update=own)) as api:
        yield api


@pytest.fixture
def http(own_api: Api) -> httpx.Client:
    return own_api.http


@pytest.fixture
def model(tmp_path: Path, own_api: Api) -> str:
    """A model without classes."""
    save_tiny(tmp_path / "model", dataset="mnist")
    return own_api.services.shelf.add(tmp_path / "model").model_id


def replace_judge(folder: Path, seed: int) -> str:
    """Another judge in the place of the one there is, and its id."""
    torch.manual_seed(seed)
    weights = format_tensors(Judge(10).state_dict())
    card = read_judge_card(folder)
    digests = {**card.sha256, WEIGHTS: sha256(weights).hexdigest()}
    (folder / WEIGHTS).write_bytes(weights)
    (folder / JUDGE_CARD).write_text(card.model_copy(update={"sha256": digests}).model_dump_json())
    return read_judge_card(folder).judge_id


def test_a_picture_that_a_judge_picked_names_it(http: httpx.Client, model: str) -> None:
    open_url = f"/generate?model={model}&seed=1&digit=01&n=4"
    drawn = http.get(open_url)
    location = drawn.headers["content-location"]
    assert (drawn.headers["cache-control"], drawn.headers["x-digit-by"]) == ("no-cache", "judge")
    assert location.endswith(f"&model={model}&judge={SHIPPED}")

    again = http.get(location)
    assert again.content == drawn.content
    assert "immutable" in again.headers["cache-control"]
    assert again.headers["etag"] == drawn.headers["etag"]
    assert json.loads(Image.open(BytesIO(drawn.content)).info[KEYWORD])["url"] == location
    told = http.post("/inspect", content=drawn.content, headers={"content-type": "image/png"}).json()
    assert (told["judge"], told["url"], told["digit"]) == (SHIPPED, location, "01")

    images = http.get(f"{open_url}&format=json").json()["images"]
    archive = zipfile.ZipFile(BytesIO(http.get(f"{open_url}&format=zip").content))
    for image in images:
        assert image["url"].endswith(f"&judge={SHIPPED}")
        assert http.get(image["url"]).content == b64decode(image["png"]) == archive.read(f"{image['k']}.png")
    wish = {"prompt": "a 7", "model": model, "seed": 3}
    (image,) = http.post("/v1/images/generations", json=wish).raise_for_status().json()["data"]
    assert image["url"].endswith(f"&judge={SHIPPED}")
    assert "immutable" in http.get(image["url"]).raise_for_status().headers["cache-control"]


def test_another_judge_is_another_picture_and_the_old_url_says_so(http: httpx.Client, folder: Path, model: str) -> None:
    open_url = f"/generate?model={model}&seed=1&digit=01&n=16"
    before = http.get(open_url)
    other = replace_judge(folder, seed=1)
    after = http.get(open_url, headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.content != before.content
    assert after.headers["etag"] != before.headers["etag"]
    assert after.headers["content-location"].endswith(f"&judge={other}")

    gone = http.get(before.headers["content-location"])
    assert (gone.status_code, gone.json()["type"]) == (404, "judge-not-found")
    assert all(name in gone.json()["detail"] for name in ("'mnist'", SHIPPED, other))
    shutil.rmtree(folder)
    gone = http.get(before.headers["content-location"])
    assert (gone.status_code, gone.json()["type"]) == (404, "judge-not-found")
    assert "there is none" in gone.json()["detail"]
    assert http.get(open_url).json()["errors"][0]["parameter"] == "digit"


def test_a_damaged_judge_costs_its_picks_and_nothing_else(
    http: httpx.Client, folder: Path, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    replace_judge(folder, seed=2)
    weights, card = folder / WEIGHTS, folder / JUDGE_CARD
    whole = card.read_bytes()
    cut = weights.read_bytes()[:100]

    def damage_weights() -> None:
        weights.write_bytes(cut)

    def damage_card() -> None:
        card.write_bytes(whole[:100])

    def forget_digests() -> None:
        card.write_text(json.dumps({**json.loads(whole), "sha256": {}}))

    def lose_card() -> None:
        card.unlink()

    for damage, file in (
        (damage_weights, weights),
        (damage_card, card),
        (forget_digests, card),
        (lose_card, card),
    ):
        damage()
        refused = http.get(f"/generate?model={model}&seed=1&n=1&digit=7")
        assert (refused.status_code, refused.json()["type"]) == (503, "judge-not-ready")
        assert "the judge of the data set 'mnist' is damaged" in refused.json()["detail"]
        assert str(file) in caplog.text
        assert http.get(f"/generate?model={model}&seed=1&n=1").status_code == 200
        assert http.get("/generate?n=1&digit=7").headers["x-digit-by"] == "class"
    assert http.put("/models/active", json={"model": model}).status_code == 200
    assert http.get("/readyz").json()["ready"]


def test_a_judge_where_none_picks_is_refused(http: httpx.Client, model: str) -> None:
    shipped = http.get("/models").json()["active"]
    for query in (f"model={model}", f"model={shipped}&digit=7"):
        refused = http.get(f"/generate?seed=1&{query}&judge={SHIPPED}")
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert (error["parameter"], error["value"]) == ("judge", SHIPPED)
        assert "allowed: with digit or class, for a model without classes" in error["detail"]
    refused = http.get(f"/generate?seed=1&digit=7&model={model}&judge=nobody")
    assert [error["parameter"] for error in refused.json()["errors"]] == ["judge"]
