"""POST /train on imported data sets: which one, by which recipe, and what is refused."""

from typing import Any

import httpx
import pytest

from app.http.services import Services
from core.dataset_card import DatasetCard
from core.import_report import Proposal
from core.recipe import PRESETS, Recipe
from tests.app.datasets.making import shelve
from tests.app.http.test_errors import job_count, problem
from tests.imported import colourful

PROPOSED = {"batch_size": 16, "epochs": 7, "classes": 0, "knob_of_tomorrow": 1}
QUALITY = PRESETS["quality"]


@pytest.fixture(scope="module")
def icons(services: Services) -> DatasetCard:
    """100 training images of two classes, with a proposal."""
    labels = [k % 2 for k in range(110)]
    proposal = Proposal(recipe=PROPOSED, reasons={"batch_size": "there are few images"})
    return shelve(services, colourful(110, 16, seed=40), labels, ["a", "b"], train=100, name="icons", proposal=proposal)


@pytest.fixture(scope="module")
def plain(services: Services) -> DatasetCard:
    """40 training images without classes or a proposal."""
    return shelve(services, colourful(40, 16, seed=41), name="plain")


def trained(http: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = http.post("/train", json=body)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    http.post(f"/jobs/{job['id']}/cancel")
    return job


def recipe(**knobs: Any) -> dict[str, Any]:
    return Recipe(**{**QUALITY.model_dump(), **knobs}).model_dump()


def test_without_a_preset_the_card_is_followed(http: httpx.Client, icons: DatasetCard) -> None:
    for body in ({"dataset": "icons"}, {"dataset": "icons", "preset": "proposed"}):
        job = trained(http, body)
        assert (job["preset"], job["dataset_id"]) == ("proposed", icons.dataset_id)
        assert job["recipe"] == recipe(dataset="icons", batch_size=16, epochs=7, classes=0)


def test_knobs_are_laid_over_the_proposal_before_anything_is_refused(http: httpx.Client, icons: DatasetCard) -> None:
    job = trained(http, {"dataset": "icons", "epochs": 3, "num_images": 20, "classes": 2})
    assert job["recipe"] == recipe(dataset="icons", batch_size=16, epochs=3, num_images=20, classes=2)


@pytest.mark.parametrize(("preset", "classes"), [("quality", 2), ("fast", 2), ("smoke", 2), ("faithful", 0)])
def test_another_preset_has_the_classes_of_the_data_set(
    http: httpx.Client, icons: DatasetCard, preset: str, classes: int
) -> None:
    job = trained(http, {"dataset": "icons", "preset": preset, "batch_size": 16})
    assert (job["preset"], job["recipe"]["classes"], job["recipe"]["batch_size"]) == (preset, classes, 16)
    assert job["recipe"]["num_images"] == (100 if preset == "smoke" else None)


def test_a_data_set_without_a_proposal_is_trained_by_the_default_preset(http: httpx.Client, plain: DatasetCard) -> None:
    job = trained(http, {"dataset": "plain", "batch_size": 8})
    assert (job["preset"], job["recipe"]) == ("proposed", recipe(dataset="plain", classes=0, batch_size=8))


def test_an_id_is_pinned_and_called_by_its_name(http: httpx.Client, services: Services) -> None:
    older = shelve(services, colourful(80, 16, seed=42), name="moved")
    newer = shelve(services, colourful(80, 16, seed=43), name="moved")
    for wanted, dataset_id in (("moved", newer.dataset_id), (older.dataset_id, older.dataset_id)):
        job = trained(http, {"dataset": wanted})
        assert (job["recipe"]["dataset"], job["dataset_id"]) == ("moved", dataset_id)


def test_a_folder_of_the_server_is_trained_as_before(http: httpx.Client, services: Services) -> None:
    shelve(services, colourful(80, 16, seed=44), name="mnist")  # the folder goes before it
    job = trained(http, {"preset": "smoke"})
    assert (job["preset"], job["dataset_id"], job["recipe"]) == ("smoke", None, PRESETS["smoke"].model_dump())


@pytest.mark.parametrize(
    ("body", "pointer", "value", "allowed"),
    [
        ({"dataset": "icons", "classes": 3}, "/classes", 3, "allowed: 0 and 2"),
        ({"dataset": "plain", "classes": 3, "batch_size": 8}, "/classes", 3, "allowed: 0"),
        ({"dataset": "icons", "num_images": 101}, "/num_images", 101, "allowed: up to 100"),
        ({"dataset": "icons", "num_images": 9}, "/num_images", 9, "num_images >= 16"),
        ({"dataset": "plain"}, "/batch_size", 64, "allowed: batch_size <= 40"),
        ({"dataset": "plain", "d_steps": 4}, "/batch_size", 64, "allowed: batch_size <= 10"),
        ({"dataset": "icons", "d_norm": "batch"}, "/r1_gamma", "0.2", "r1_gamma = 0"),
        ({"dataset": "icon"}, "/dataset", "icon", "there is no such data set; allowed: mnist, "),
        ({"dataset": "0" * 16}, "/dataset", "0" * 16, "plain"),
        ({"preset": "proposed"}, "/preset", "proposed", "allowed: faithful, quality, fast, smoke"),
    ],
)
def test_what_a_data_set_cannot_do_is_named(
    http: httpx.Client, icons: DatasetCard, plain: DatasetCard, body: Any, pointer: str, value: Any, allowed: str
) -> None:
    before = job_count(http)
    (error,) = problem(http.post("/train", json=body), 422, "invalid-parameter")["errors"]
    assert (error["pointer"], error["value"]) == (pointer, value)
    assert allowed in error["detail"]
    assert job_count(http) == before


def test_a_deleted_data_set_is_not_trained(http: httpx.Client, services: Services) -> None:
    card = shelve(services, colourful(80, 16, seed=45), name="gone-too")
    with services.datasets.changing():
        services.datasets.delete(card.dataset_id)
    refused = http.post("/train", json={"dataset": card.dataset_id})
    assert "was deleted" in problem(refused, 422, "invalid-parameter")["errors"][0]["detail"]
