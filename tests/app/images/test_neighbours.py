"""The training images nearest to a drawn one: those of MNIST for the shipped model, and those of an imported set."""

from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from app.http.services import Services
from cli.redis_server import RedisServer
from core.access import Scope
from core.card import ID_LENGTH
from core.dataset_card import DatasetCard
from core.idx import read_idx
from core.image_shape import ImageShape
from core.settings import Settings
from tests.app.datasets.making import shelve
from tests.hand_worker import run, submit
from tests.imported import colourful
from tests.in_process import Api, add_key, client_with, served
from tests.tiny import save_tiny
from worker.training.data import EMBEDDED

KEPT = ("etag", "cache-control", "content-location", "x-seed", "x-model-id")
NAMES = ["red", "blue"]


@pytest.fixture(scope="module")
def mnist() -> np.ndarray:
    """The training images as whole numbers, [N, 784]."""
    return read_idx(EMBEDDED / "mnist", "train-images-idx3-ubyte", 3).reshape(-1, 784).astype(np.int32)


@pytest.fixture(scope="module")
def own(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API of our own, whose data sets change."""
    with served(Settings(redis_url=redis_server.url, data_dir=tmp_path_factory.mktemp("own"))) as api:
        yield api


def shelve_with_model(services: Services, folder: Path, name: str, train: int = 30) -> tuple[DatasetCard, str]:
    """An imported data set of 40 images in two classes, and a model of it."""
    images = colourful(40, seed=len(name))
    card = shelve(services, images, [k % 2 for k in range(40)], NAMES, train=train, name=name)
    save_tiny(
        folder / name,
        len(name),
        shape=ImageShape(side=32, channels=3),
        class_names=NAMES,
        classes=2,
        dataset=name,
        dataset_sha256=card.sha256,
    )
    return card, services.shelf.add(folder / name).model_id


def opened(png: str | bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(b64decode(png) if isinstance(png, str) else png)))


def test_they_are_the_nearest_of_all_training_images(http: httpx.Client, mnist: np.ndarray) -> None:
    answer = http.get("/neighbours?seed=3&start=5&digit=7&k=4").raise_for_status()
    found = answer.json()
    image = opened(http.get(found["picture"]).content).reshape(784).astype(np.int32)
    squared = ((mnist - image) ** 2).sum(1)
    order = np.argsort(squared, kind="stable")[:4]
    assert [one["image"] for one in found["data"]] == order.tolist()
    assert [one["distance"] for one in found["data"]] == pytest.approx(np.sqrt(squared[order] / 784).tolist())
    for one in found["data"]:
        assert (opened(one["png"]).reshape(784) == mnist[one["image"]]).all()
    assert {one["class"] for one in found["data"]} <= set("0123456789")
    assert (found["images"], found["dataset"]) == (60_000, "mnist")
    assert 10 < found["typical"] < 60


def test_they_are_known_again_and_the_same_after_a_restart(own: Api) -> None:
    model = own.services.shelf.active()
    for query in ("seed=1", "seed=1&format=png&scale=2", "seed=1&digit=3&invert=true"):
        url = f"/neighbours?{query}&model={model}"
        first = own.http.get(url).raise_for_status()
        assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
        with served(own.services.settings) as again:
            second = again.http.get(url)
            assert second.content == first.content
            assert [second.headers[name] for name in KEPT] == [first.headers[name] for name in KEPT]
            assert again.http.get(url, headers={"if-none-match": first.headers["etag"]}).status_code == 304
            assert again.http.get(first.headers["content-location"]).content == first.content
    assert own.http.get("/neighbours?seed=1").headers["cache-control"] == "no-cache"
    assert own.http.get("/neighbours").headers["cache-control"] == "no-store"


def test_a_png_has_the_image_first(http: httpx.Client) -> None:
    row = opened(http.get("/neighbours?seed=2&k=3&pad=0", headers={"accept": "image/png"}).content)
    found = http.get("/neighbours?seed=2&k=3").json()
    tiles = [opened(http.get(found["picture"]).content), *(opened(one["png"]) for one in found["data"])]
    assert (row == np.concatenate(tiles, axis=1)).all()


def test_those_of_an_imported_set_have_its_classes(own: Api, tmp_path: Path) -> None:
    card, model = shelve_with_model(own.services, tmp_path, "icons")
    answer = own.http.get(f"/neighbours?model={model}&seed=1&k=32").raise_for_status()
    found = answer.json()
    assert answer.headers["cache-control"] == "no-cache"
    assert len(found["data"]) == found["images"] == 30  # the training images alone
    assert found["typical"] > 0
    for one in found["data"]:
        assert one["class"] == NAMES[one["image"] % 2]
        same = own.http.get(f"/datasets/{card.dataset_id}/images/{one['image']}.png")
        assert (opened(one["png"]) == opened(same.content)).all()
    assert own.http.delete(f"/datasets/{card.dataset_id}").status_code == 204
    for headers in ({}, {"if-none-match": answer.headers["etag"]}):
        gone = own.http.get(f"/neighbours?model={model}&seed=1&k=32", headers=headers)
        assert (gone.status_code, gone.json()["type"]) == (410, "dataset-deleted")


def test_without_test_images_nothing_is_typical(own: Api, tmp_path: Path) -> None:
    _, model = shelve_with_model(own.services, tmp_path, "untested", train=40)
    assert own.http.get(f"/neighbours?model={model}&seed=1").json()["typical"] is None


def test_a_data_set_that_is_another_one_or_not_there_is_told(own: Api, tmp_path: Path) -> None:
    for name in ("mnist", "elsewhere"):
        save_tiny(tmp_path / name, len(name), dataset=name, dataset_sha256="5" * 64)
        model = own.services.shelf.add(tmp_path / name).model_id
        answer = own.http.get(f"/neighbours?model={model}&seed=1")
        assert (answer.status_code, answer.json()["type"]) == (404, "dataset-not-found")
        if name == "mnist":
            assert f"than model {model} was trained on" in answer.json()["detail"]
        else:
            assert "5" * ID_LENGTH in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("n=2", "n"),
        ("k=0", "k"),
        ("k=33", "k"),
        ("interpolate=1,2", "interpolate"),
        ("format=zip", "format"),
        ("frames=3", "frames"),
        ("size=3", "size"),
        ("digit=x", "digit"),
    ],
)
def test_bad_values_are_refused(http: httpx.Client, query: str, parameter: str) -> None:
    answer = http.get(f"/neighbours?{query}")
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
    assert http.get("/neighbours", headers={"accept": "image/gif"}).status_code == 406


def test_a_checkpoint_has_neighbours(http: httpx.Client, services: Services) -> None:
    job = run(services, submit(http))
    answer = http.get(f"/neighbours?model={job.id}@1&seed=1")  # of a data set that is not there
    assert (answer.status_code, answer.json()["type"]) == (404, "dataset-not-found")
    assert http.get(f"/neighbours?model={job.id}@9&seed=1").json()["type"] == "not-found"


def test_images_of_an_imported_set_need_its_scope(keyed: Api, tmp_path: Path) -> None:
    _, model = shelve_with_model(keyed.services, tmp_path, "secret")
    drawer = client_with(keyed, add_key(keyed, Scope.GENERATE, name="drawer"))
    refused = drawer.get(f"/neighbours?model={model}&seed=1")
    assert (refused.status_code, refused.json()["type"]) == (403, "missing-scope")
    assert drawer.get("/neighbours?seed=1").status_code == 200
    reader = client_with(keyed, add_key(keyed, Scope.GENERATE, Scope.JOBS_READ, name="reader"))
    assert reader.get(f"/neighbours?model={model}&seed=1").status_code == 200
