"""Presets and knobs as data, and trainings that are estimated."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from app.http.services import Services
from core.recipe import PRESETS, Knobs
from tests.hand_worker import run, submit


def test_each_knob_is_there_with_bounds_that_hold(http: httpx.Client) -> None:
    answer = http.get("/presets").json()
    assert sorted(knob["name"] for knob in answer["knobs"]) == sorted(Knobs.model_fields)
    assert {one["name"]: one["recipe"] for one in answer["presets"]} == {
        name: recipe.model_dump() for name, recipe in PRESETS.items()
    }
    assert answer["publish"] == ["auto", "always", "never"]
    for knob in answer["knobs"]:
        assert knob["description"]
        assert knob["default"] == PRESETS["quality"].model_dump()[knob["name"]]
        for bound, beyond in (("minimum", -1), ("maximum", 1), ("exclusive_minimum", 0), ("exclusive_maximum", 0)):
            if knob[bound] is not None:
                as_type = int if knob["type"] == "integer" else float
                with pytest.raises(ValidationError):
                    Knobs.model_validate({knob["name"]: as_type(knob[bound] + beyond)})
                if beyond:
                    Knobs.model_validate({knob["name"]: as_type(knob[bound])})
        for choice in knob["choices"] or []:
            Knobs.model_validate({knob["name"]: choice})


@pytest.mark.parametrize(
    "body",
    [{"epochs": 0}, {"dataset": "nobody"}, {"num_images": 3}, {"preset": "proposed"}, {"knob": 1}, {"d_norm": "batch"}],
)
def test_what_train_refuses_an_estimate_refuses_alike(http: httpx.Client, body: dict[str, Any]) -> None:
    refused, estimated = http.post("/train", json=body), http.post("/estimates", json=body)
    assert refused.status_code == estimated.status_code == 422
    assert [{**one, "request_id": ""} for one in refused.json()["errors"]] == [
        {**one, "request_id": ""} for one in estimated.json()["errors"]
    ]


def test_an_estimate_is_of_what_would_be_trained_and_makes_no_job(http: httpx.Client) -> None:
    before = http.get("/jobs").json()["event"]
    body = {"preset": "smoke", "epochs": 3, "passes": 2}
    estimate = http.post("/estimates", json=body).json()
    assert http.get("/jobs").json()["event"] == before
    assert (estimate["images"], estimate["steps"], estimate["kimg"]) == (512, 48, 3.072)
    job = http.get(f"/jobs/{submit(http, body)}").json()
    assert estimate["recipe"] == job["recipe"]
    http.post(f"/jobs/{job['id']}/cancel")


def test_a_finished_training_says_how_fast_this_machine_is(http: httpx.Client, services: Services) -> None:
    run(services, submit(http))  # at 100 images a second
    once, twice = (http.post("/estimates", json={"preset": "smoke", "epochs": n}).json() for n in (1, 2))
    assert (once["by"], twice["seconds"]) == ("trainings", pytest.approx(2 * once["seconds"], rel=0.05))


def test_a_training_of_tiny_networks_says_nothing_of_large_ones(http: httpx.Client, services: Services) -> None:
    before = http.post("/estimates", json={"preset": "quality"}).json()
    run(services, submit(http, {"preset": "smoke"}))
    assert http.post("/estimates", json={"preset": "quality"}).json() == before
    assert before["by"] == "constants"
