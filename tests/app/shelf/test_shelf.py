"""The shelf over HTTP: what stands there, and which model is active."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from cli.redis_server import RedisServer
from core.settings import Settings
from models.shelf import Shelf
from tests.app.http.test_errors import problem
from tests.in_process import Api, served
from tests.service import wait_until
from tests.tiny import flip_byte, save_tiny


@pytest.fixture(scope="module")
def shelved(api: Api, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two small models."""
    folder = tmp_path_factory.mktemp("models")
    cards = [save_tiny(folder / str(seed), seed=seed, classes=10) for seed in (501, 502)]
    return [api.services.shelf.add(folder / str(card.recipe.seed)).model_id for card in cards]


@pytest.fixture
def shipped(http: httpx.Client, shelf: Shelf) -> Iterator[str]:
    """The active model, which is so again afterwards."""
    before = str(http.get("/models").json()["active"])
    yield before
    shelf.activate(before)


def test_one_model_is_the_row_of_the_list(http: httpx.Client, shelved: list[str]) -> None:
    listed = http.get("/models").json()
    rows = {row["id"]: row for row in listed["data"]}
    assert [row["id"] for row in listed["data"] if row["active"]] == [listed["active"]]
    for model in (*shelved, listed["active"]):
        assert http.get(f"/models/{model}").json() == rows[model]
        assert rows[model]["card"]["sha256"]["generator.safetensors"].startswith(model)
        assert http.get(rows[model]["generate"]).headers["x-model-id"] == model
    assert http.get("/models/active").json() == rows[listed["active"]]


def test_previous_goes_back_and_forth(http: httpx.Client, shelved: list[str], shipped: str) -> None:
    first, second = shelved
    for model in (first, second):
        answer = http.put("/models/active", json={"model": model})
        assert (answer.status_code, answer.json()["id"], answer.json()["active"]) == (200, model, True)
        assert http.get("/generate").headers["x-model-id"] == model
    for expected in (first, second):
        assert http.put("/models/active", json={"model": "previous"}).json()["id"] == expected
        assert http.get("/models/active").json()["id"] == expected
    assert http.get("/models").json()["previous"] == first


def test_an_unknown_model_changes_nothing(http: httpx.Client, shipped: str) -> None:
    for model in ("0" * 16, "..", "ACTIVE", ""):
        problem(http.put("/models/active", json={"model": model}), 404, "model-not-found")
    problem(http.get("/models/nothing"), 404, "model-not-found")
    problem(http.get(f"/models/{'x' * 65}"), 422, "invalid-parameter")
    (error,) = problem(http.put("/models/active", json={"id": shipped, "model": shipped}), 422, "invalid-parameter")[
        "errors"
    ]
    assert (error["pointer"], error["detail"]) == ("/id", "unknown field; allowed: model, dataset")
    assert http.get("/models").json()["active"] == shipped


def test_a_damaged_model_is_not_made_active_and_is_named_in_the_log(
    http: httpx.Client, services: Services, shipped: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_tiny(tmp_path / "whole", seed=503)
    model = services.shelf.add(tmp_path / "whole").model_id
    weights = services.settings.shelf_dir / model / "generator.safetensors"
    flip_byte(weights, 200)
    problem(http.put("/models/active", json={"model": model}), 503, "model-not-ready")
    problem(http.get(f"/generate?model={model}"), 503, "model-not-ready")
    assert str(weights) in caplog.text
    assert http.get("/models").json()["active"] == shipped
    assert http.get("/readyz").json()["ready"]


def test_each_data_set_has_an_active_model(http: httpx.Client, shelf: Shelf, shipped: str, tmp_path: Path) -> None:
    names = ["bee", "ant"]
    for seed in (511, 512):
        save_tiny(tmp_path / str(seed), seed=seed, dataset="bugs", classes=2, class_names=names)
    first, second = (shelf.add(tmp_path / str(seed)).model_id for seed in (511, 512))
    problem(http.get("/models/active?dataset=bugs"), 404, "model-not-found")
    listed = http.get("/models?dataset=bugs").json()
    assert {row["id"] for row in listed["data"]} == {first, second}
    assert (listed["active"], "bugs" in listed["datasets"]) == (shipped, False)

    for model in (first, second):
        answer = http.put("/models/active", json={"model": model, "dataset": "bugs"}).json()
        assert (answer["id"], answer["active"], answer["active_in_dataset"]) == (model, False, True)
        assert (answer["dataset"], answer["classes"]) == ("bugs", names)
        assert http.get("/models/active?dataset=bugs").json() == answer
    assert http.put("/models/active", json={"model": "previous", "dataset": "bugs"}).json()["id"] == first
    assert http.get("/models").json()["datasets"]["bugs"] == first
    page = http.get("/models?dataset=bugs&limit=1").json()
    rest = http.get(page["next"]).json()
    assert ({page["data"][0]["id"], rest["data"][0]["id"]}, rest["has_more"]) == ({first, second}, False)
    assert http.get("/models/active").json()["id"] == shipped

    refused = problem(http.put("/models/active", json={"model": first, "dataset": "mnist"}), 422, "invalid-parameter")
    assert refused["errors"][0]["detail"] == f"the model {first} was trained on 'bugs'; allowed: this, or none"
    problem(http.put("/models/active", json={"model": "previous", "dataset": "hats"}), 404, "model-not-found")
    answer = http.put("/models/active", json={"model": second}).json()
    assert (answer["active"], answer["active_in_dataset"]) == (True, True)


def test_a_model_that_takes_long_to_load_is_to_be_asked_for_again(redis_server: RedisServer, tmp_path: Path) -> None:
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path / "api").model_copy(update={"draw_timeout_s": 0})
    with served(settings) as api:
        for seed, (method, path) in enumerate(
            [("PUT", "/models/active"), ("GET", "/models/{model}/directions"), ("GET", "/generate?model={model}")]
        ):
            save_tiny(tmp_path / str(seed), seed=seed, classes=10)
            model = api.services.shelf.add(tmp_path / str(seed)).model_id
            body = {"model": model} if method == "PUT" else None
            late = api.http.request(method, path.format(model=model), json=body)
            problem(late, 503, "overloaded")
            assert int(late.headers["retry-after"]) >= 1
            wait_until(lambda model=model: model in api.services.renderer.loaded())
            if method == "PUT":
                assert api.http.request(method, path, json=body).json()["active"]
