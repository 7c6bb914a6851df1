"""Pictures of imported data sets: colour images of another size, with named classes, from each set's active model."""

import json
import os
import shutil
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from app.images.origin import KEYWORD
from cli.redis_server import RedisServer
from core.dataset_card import CARD
from core.image_shape import ImageShape
from core.settings import Settings
from models.judge import FOLDER, read_judge_card
from tests.app.http.test_errors import problem
from tests.app.images.reading import drawn
from tests.imported import colourful, write_imported
from tests.in_process import Api, served
from tests.tiny import save_tiny
from worker.training.data import EMBEDDED

COLOUR_32 = ImageShape(side=32, channels=3)
STYLES = ["T-shirt/top", "a, b", "靴"]
SHA256 = "5" * 64
JUDGE = read_judge_card(EMBEDDED / "mnist" / FOLDER).judge_id


@pytest.fixture(scope="module")
def own_api(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API of our own, in which the active models change."""
    with served(Settings(redis_url=redis_server.url, data_dir=tmp_path_factory.mktemp("own"))) as api:
        yield api


@pytest.fixture(scope="module")
def http(own_api: Api) -> httpx.Client:
    return own_api.http


@pytest.fixture(scope="module")
def models(own_api: Api, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two models of the data set `icons`; the first is its active one."""
    folder, shelf = tmp_path_factory.mktemp("models"), own_api.services.shelf
    for seed in (1, 2):
        save_tiny(folder / str(seed), seed, shape=COLOUR_32, class_names=STYLES, classes=len(STYLES), dataset="icons")
    ids = [shelf.add(folder / str(seed)).model_id for seed in (1, 2)]
    assert shelf.activate_unless_worse(ids[0]).accepted
    return ids


def opened(png: bytes) -> np.ndarray:
    image = Image.open(BytesIO(png))
    assert image.mode == "RGB"
    return np.asarray(image)


def test_a_data_set_draws_from_its_own_active_model(http: httpx.Client, models: list[str]) -> None:
    shipped = drawn(http, "/generate?seed=1&n=1").headers["x-model-id"]
    assert shipped not in models
    one = drawn(http, "/generate?dataset=icons&seed=1&n=1")
    assert opened(one.content).shape == (32, 32, 3)
    assert (one.headers["x-model-id"], one.headers["cache-control"]) == (models[0], "no-cache")
    assert one.headers["content-location"].endswith(f"&format=png&model={models[0]}")
    assert drawn(http, "/generate?dataset=mnist&seed=1&n=1").headers["x-model-id"] == shipped
    again = drawn(http, one.headers["content-location"])
    assert (again.content, again.headers["etag"]) == (one.content, one.headers["etag"])
    assert "immutable" in again.headers["cache-control"]
    known = {"if-none-match": again.headers["etag"]}
    assert http.get("/generate?dataset=icons&seed=1&n=1", headers=known).status_code == 304

    missing = problem(http.get("/generate?dataset=hats"), 404, "model-not-found")
    assert "no model of the data set 'hats' is active; there is one of each of: icons, mnist" in missing["detail"]
    refused = problem(http.get(f"/generate?dataset=icons&model={models[0]}"), 422, "invalid-parameter")
    (error,) = refused["errors"]
    assert (error["parameter"], error["value"]) == ("dataset", "icons")


def test_a_class_is_drawn_by_name_or_number(http: httpx.Client, models: list[str]) -> None:
    by_name = drawn(http, "/generate?dataset=icons&seed=1&n=3&class=%E9%9D%B4,t-shirt/TOP")
    by_number = drawn(http, f"/generate?model={models[0]}&seed=1&n=3&class=2,0")
    assert by_name.content == by_number.content
    assert by_name.headers["etag"] == by_number.headers["etag"]
    assert by_name.headers["x-class-by"] == "class"
    assert "x-digit-by" not in by_name.headers
    place = by_name.headers["content-location"]
    assert "&start=0&class=%E9%9D%B4,T-shirt%2Ftop&cols=2" in place
    assert drawn(http, place).content == by_name.content
    singles = [drawn(http, f"/generate?dataset=icons&seed=1&n=1&start={k}&class={2 - 2 * (k % 2)}") for k in range(3)]
    with zipfile.ZipFile(
        BytesIO(drawn(http, place.replace("png", "zip").replace("&cols=2&pad=2", "")).content)
    ) as zipped:
        packed = [opened(zipped.read(f"{k}.png")) for k in range(3)]
    assert all(np.array_equal(opened(one.content), of) for one, of in zip(singles, packed, strict=True))
    assert len({one.content for one in singles}) == 3

    (error,) = problem(http.get("/generate?dataset=icons&class=hat"), 422, "invalid-parameter")["errors"]
    assert error["detail"] == "no class is called 'hat'; allowed: T-shirt/top, a\\, b, 靴; or numbers from 0 to 2"
    for more, name in (("digit=1", "digit"), ("class=0&digit=1", "class"), ("class=", "class")):
        (error,) = problem(http.get(f"/generate?dataset=icons&{more}"), 422, "invalid-parameter")["errors"]
        assert error["parameter"] == name


def test_a_class_of_digits_is_the_digit(http: httpx.Client) -> None:
    by_class, by_digit = (drawn(http, f"/generate?seed=1&n=2&{name}=7") for name in ("class", "digit"))
    assert by_class.content == by_digit.content
    assert by_class.headers["content-location"] == by_digit.headers["content-location"]
    assert by_class.headers["x-digit-by"] == "class"
    (error,) = problem(http.get("/generate?seed=1&class=3,10"), 422, "invalid-parameter")["errors"]
    assert (error["parameter"], error["value"]) == ("class", "3,10")
    assert error["detail"] == "the model cannot draw 10; allowed: 0 to 9"


def test_a_picture_says_its_classes(http: httpx.Client, models: list[str]) -> None:
    png = drawn(http, r"/generate?dataset=icons&seed=1&n=2&class=a\, b,靴").content
    told = http.post("/inspect", content=png, headers={"content-type": "image/png"}).raise_for_status().json()
    assert (told["class"], told["digit"], told["model"], told["on_shelf"]) == (r"a\, b,靴", None, models[0], True)
    assert drawn(http, told["url"]).content == png
    assert json.loads(Image.open(BytesIO(png)).info[KEYWORD])["url"] == told["url"]
    views = drawn(http, r"/generate?dataset=icons&seed=1&n=2&class=a\, b,靴&format=json").json()["images"]
    for view in views:
        assert drawn(http, view["url"]).content == b64decode(view["png"])


@pytest.mark.parametrize("format_", ["webp", "gif"])
def test_a_walk_moves_in_colour(http: httpx.Client, models: list[str], format_: str) -> None:
    walk = f"/generate?dataset=icons&interpolate=3,9&n=4&frames=5&class=1&format={format_}"
    image = Image.open(BytesIO(drawn(http, walk).content))
    first = opened(drawn(http, "/generate?dataset=icons&seed=3&n=4&class=1").content)
    error = np.abs(np.asarray(image.convert("RGB")).astype(int) - first)
    assert error.max() == 0 if format_ == "webp" else 0 < error.mean() < 8
    assert image.size == (66, 66)


def test_openai_clients_ask_for_a_data_set_by_its_name(http: httpx.Client, models: list[str]) -> None:
    wish = {"prompt": "two 靴 on a T-SHIRT/TOP", "n": 2, "model": "icons", "seed": 1, "response_format": "b64_json"}
    answer = http.post("/v1/images/generations", json={**wish, "size": "70x100"}).raise_for_status().json()
    assert (answer["model"], answer["size"]) == (models[0], "64x64")
    for k, image in enumerate(answer["data"]):
        url = f"/generate?dataset=icons&seed=1&n=1&start={k}&class=2,0&scale=2"
        assert b64decode(image["b64_json"]) == drawn(http, url).content
    small = http.post("/v1/images/generations", json={**wish, "size": "28x28"})
    assert (small.status_code, small.json()["error"]["param"]) == (422, "size")
    assert "sides from 32 to 99999" in small.json()["error"]["message"]


def test_the_judge_of_an_imported_data_set_picks(own_api: Api, http: httpx.Client, tmp_path: Path) -> None:
    save_tiny(
        tmp_path / "clothes", seed=3, dataset="clothes", class_names=[f"c{k}" for k in range(10)], dataset_sha256=SHA256
    )
    model = own_api.services.shelf.add(tmp_path / "clothes").model_id
    (error,) = problem(http.get(f"/generate?model={model}&class=c3"), 422, "invalid-parameter")["errors"]
    assert error["detail"] == "the model cannot draw 3; allowed: none: the model has no classes, its data set no judge"
    shutil.copytree(EMBEDDED / "mnist" / FOLDER, own_api.services.settings.imported_dir / SHA256[:16] / FOLDER)
    picked = drawn(http, f"/generate?model={model}&seed=1&n=2&class=c3,c7")
    assert picked.headers["x-class-by"] == "judge"
    assert picked.headers["content-location"].endswith(f"&model={model}&judge={JUDGE}")
    assert drawn(http, picked.headers["content-location"]).content == picked.content
    assert "immutable" in http.get(picked.headers["content-location"]).headers["cache-control"]


def test_an_imported_data_set_is_found_by_its_other_names_and_its_id(
    own_api: Api, http: httpx.Client, tmp_path: Path
) -> None:
    shelf, datasets = own_api.services.shelf, own_api.services.datasets
    first, second = (write_imported(tmp_path / str(k), colourful(20, seed=k), name="bugs") for k in (1, 2))
    for card in (first, second):
        shutil.copytree(tmp_path / ("1" if card is first else "2"), datasets.folder(card.dataset_id))
    save_tiny(tmp_path / "model", seed=4, shape=COLOUR_32, dataset="bugs", dataset_sha256=first.sha256)
    model = shelf.add(tmp_path / "model").model_id
    datasets.point("beetles", first.dataset_id)
    datasets.point("others", second.dataset_id)
    for name in ("bugs", "beetles", first.dataset_id):
        assert (
            "no model of the data set"
            in problem(http.get(f"/generate?dataset={name}"), 404, "model-not-found")["detail"]
        )
    shelf.activate(model, overall=False)
    for name in ("bugs", "beetles", first.dataset_id):
        assert drawn(http, f"/generate?dataset={name}&n=1").headers["x-model-id"] == model
        assert http.get(f"/models/active?dataset={name}").json()["id"] == model
    for name in ("others", second.dataset_id):
        missing = problem(http.get(f"/generate?dataset={name}"), 404, "model-not-found")
        assert f"of 'bugs' was trained on another version than {second.dataset_id}" in missing["detail"]


def test_a_name_that_was_given_to_other_images_draws_from_their_model(
    own_api: Api, http: httpx.Client, tmp_path: Path
) -> None:
    shelf, datasets = own_api.services.shelf, own_api.services.datasets
    caps = write_imported(tmp_path / "made", colourful(20, 32, seed=9), name="caps")
    with datasets.changing():
        datasets.add(tmp_path / "made", caps.dataset_id)
    for seed, name, digest in ((5, "hoods", SHA256), (6, "caps", caps.sha256)):
        save_tiny(tmp_path / name, seed=seed, shape=COLOUR_32, dataset=name, dataset_sha256=digest)
    hoods_model, caps_model = (shelf.add(tmp_path / name).model_id for name in ("hoods", "caps"))
    shelf.activate(hoods_model, overall=False)
    datasets.point("hoods", caps.dataset_id)
    assert drawn(http, "/generate?dataset=hoods&n=1").headers["x-model-id"] == hoods_model  # until there is one of them
    shelf.activate(caps_model, overall=False)
    assert drawn(http, "/generate?dataset=hoods&n=1").headers["x-model-id"] == caps_model
    assert http.get("/models/active?dataset=hoods").json()["id"] == caps_model


def test_the_card_of_a_data_set_is_not_read_again_with_each_picture(
    own_api: Api, http: httpx.Client, tmp_path: Path
) -> None:
    shelf, datasets = own_api.services.shelf, own_api.services.datasets
    card = write_imported(tmp_path / "made", colourful(20, seed=3), name="often")
    folder = shutil.copytree(tmp_path / "made", datasets.folder(card.dataset_id))
    save_tiny(tmp_path / "model", seed=50, shape=COLOUR_32, dataset="often", dataset_sha256=card.sha256)
    shelf.activate(shelf.add(tmp_path / "model").model_id, overall=False)
    first = drawn(http, f"/generate?dataset={card.dataset_id}&n=1&seed=1")
    changed_ns = (folder / CARD).stat().st_mtime_ns
    (folder / CARD).write_bytes(b"not looked at")
    os.utime(folder / CARD, ns=(changed_ns, changed_ns))
    assert drawn(http, f"/generate?dataset={card.dataset_id}&n=1&seed=1").content == first.content
    os.utime(folder / CARD)
    problem(http.get(f"/generate?dataset={card.dataset_id}&n=1&seed=1"), 404, "model-not-found")
    shutil.rmtree(folder)
