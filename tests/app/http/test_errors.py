"""Every error is a problem+json that names the field, the value and what is allowed, and leaves nothing behind."""

import json
from typing import Any

import httpx
import pytest

from core.recipe import PRESETS


def problem(response: httpx.Response, status: int, type_: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"  # a cache may keep a 404 or 410 that says nothing of it
    body: dict[str, Any] = response.json()
    assert (body["status"], body["type"]) == (status, type_)
    assert body["title"]
    assert body["detail"]
    return body


def job_count(http: httpx.Client) -> int:
    return len(http.get("/jobs?limit=100").json()["data"])


@pytest.mark.parametrize(
    ("body", "pointer", "value", "allowed"),
    [
        ({"epoch": 3}, "/epoch", 3, "epochs"),
        ({"epochs": 0}, "/epochs", 0, "greater than or equal to 1"),
        ({"epochs": "three"}, "/epochs", "three", "valid integer"),
        ({"epochs": "3"}, "/epochs", "3", "valid integer"),
        ({"lr_g": 2}, "/lr_g", 2, "less than or equal to 1"),
        ({"dropout": None}, "/dropout", None, "valid number"),
        ({"preset": "best"}, "/preset", "best", "'quality', 'fast', 'smoke' or 'proposed'"),
        ({"publish": "sometimes"}, "/publish", "sometimes", "'auto', 'always' or 'never'"),
        ({"augment": "flip"}, "/augment", "flip", "'none', 'translate', 'cutout' or 'diffaugment'"),
        ({"num_images": 50}, "/num_images", 50, "num_images >= 64"),
        ({"dataset": "../mnist"}, "/dataset", "../mnist", "allowed: 1 to 64 of the letters"),
        ({"dataset": "letters"}, "/dataset", "letters", "mnist"),
        ([], "", "[]", "object"),
    ],
)
def test_a_wrong_field_of_train_is_named(http: httpx.Client, body: Any, pointer: str, value: Any, allowed: str) -> None:
    before = job_count(http)
    answer = problem(http.post("/train", json=body), 422, "invalid-parameter")
    (error,) = answer["errors"]
    assert (error["pointer"], error["value"]) == (pointer, value)
    assert allowed in error["detail"]
    assert job_count(http) == before


def test_each_wrong_field_has_an_entry_of_its_own(http: httpx.Client) -> None:
    answer = problem(http.post("/train", json={"epochs": 0, "seed": -1, "x": 1}), 422, "invalid-parameter")
    assert {error["pointer"] for error in answer["errors"]} == {"/epochs", "/seed", "/x"}


def test_a_body_that_is_not_json_is_refused(http: httpx.Client) -> None:
    response = http.post("/train", content="{epochs: 3}", headers={"content-type": "application/json"})
    assert "not JSON" in problem(response, 400, "invalid-json")["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(http: httpx.Client, number: str) -> None:
    body = f'{{"lr_g": {number}}}'
    response = http.post("/train", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_of_another_type_is_refused(http: httpx.Client) -> None:
    response = http.post("/train", content='{"preset":"smoke"}', headers={"content-type": "text/plain"})
    assert "application/json" in problem(response, 415, "unsupported-media-type")["detail"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_20_megabytes_is_refused(http: httpx.Client, declared: bool) -> None:
    before = job_count(http)
    body = json.dumps({"preset": "x" * 20_000_000}).encode()
    content = body if declared else (body[i : i + 65536] for i in range(0, len(body), 65536))
    response = http.post("/train", content=content, headers={"content-type": "application/json"})
    problem(response, 413, "payload-too-large")
    assert job_count(http) == before


@pytest.mark.parametrize("path", ["", "/samples", "/samples/latest"])
def test_an_unknown_job_is_404(http: httpx.Client, path: str) -> None:
    assert "'nobody'" in problem(http.get(f"/jobs/nobody{path}"), 404, "job-not-found")["detail"]


@pytest.mark.parametrize("action", ["cancel", "pause", "resume"])
def test_an_unknown_job_cannot_be_steered(http: httpx.Client, action: str) -> None:
    problem(http.post(f"/jobs/nobody/{action}"), 404, "job-not-found")


def test_an_unknown_route_is_404(http: httpx.Client) -> None:
    assert "/nowhere" in problem(http.get("/nowhere"), 404, "not-found")["detail"]


def test_a_wrong_method_is_405_and_says_which_are_right(http: httpx.Client) -> None:
    response = http.delete("/train")
    problem(response, 405, "method-not-allowed")
    assert "POST" in response.headers["allow"]


@pytest.mark.parametrize(
    ("query", "parameter", "value"),
    [
        ("n=0", "n", "0"),
        ("n=257", "n", "257"),
        ("n=many", "n", "many"),
        ("seed=-1", "seed", "-1"),
        (f"seed={2**53}", "seed", str(2**53)),
        ("n=4&cols=5", "cols", 5),
        ("scale=99", "scale", "99"),
        ("pad=-1", "pad", "-1"),
        ("colour=red", "colour", "red"),
    ],
)
def test_a_wrong_parameter_of_generate_is_named(http: httpx.Client, query: str, parameter: str, value: Any) -> None:
    (error,) = problem(http.get(f"/generate?{query}"), 422, "invalid-parameter")["errors"]
    assert (error["parameter"], error["value"]) == (parameter, value)


def test_an_unknown_parameter_is_answered_with_those_that_there_are(http: httpx.Client) -> None:
    (error,) = http.get("/generate?size=3").json()["errors"]
    assert "scale" in error["detail"]
    assert "epochs" not in error["detail"]


@pytest.mark.parametrize("model", ["0" * 16, "..", "../../etc/passwd", "ACTIVE"])
def test_an_unknown_model_is_404(http: httpx.Client, model: str) -> None:
    problem(http.get("/generate", params={"model": model}), 404, "model-not-found")
    problem(http.put("/models/active", json={"model": model}), 404, "model-not-found")


def test_presets_are_taken_as_they_are(http: httpx.Client) -> None:
    """The schema that /docs shows has the bounds and defaults of the recipe itself."""
    schema = http.get("/openapi.json").json()["components"]["schemas"]["TrainRequest"]["properties"]
    assert schema["epochs"]["default"] == PRESETS["quality"].epochs
    assert schema["epochs"]["minimum"] == 1
