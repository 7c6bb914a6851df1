"""Labels and notes over HTTP."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from models.shelf import Shelf
from tests.app.http.test_errors import problem
from tests.tiny import save_tiny

MERGE_PATCH = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def model(shelf: Shelf, tmp_path: Path) -> str:
    """A model without labels."""
    save_tiny(tmp_path / "model", seed=521)
    model_id = shelf.add(tmp_path / "model").model_id
    shelf.change_notes(model_id, lambda notes: type(notes)())
    return model_id


def said(http: httpx.Client, model: str, patch: dict[str, Any]) -> dict[str, Any]:
    """What is said of a model after a patch, in each place that shows it."""
    answer = http.patch(f"/models/{model}", json=patch)
    assert answer.status_code == 200, answer.text
    (listed,) = [row for row in http.get("/models?limit=100").json()["data"] if row["id"] == model]
    assert answer.json() == http.get(f"/models/{model}").json() == listed
    return {name: answer.json()[name] for name in ("labels", "note")}


def test_a_patch_changes_what_it_names(http: httpx.Client, model: str) -> None:
    card = http.get(f"/models/{model}").json()["card"]
    steps: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {"labels": {}, "note": ""}),
        ({"labels": {"stage": "candidate", "sharp": ""}}, {"labels": {"stage": "candidate", "sharp": ""}, "note": ""}),
        ({"note": "for\n7s ☺"}, {"labels": {"stage": "candidate", "sharp": ""}, "note": "for\n7s ☺"}),
        ({"labels": {"stage": None, "a/b": "c.d"}}, {"labels": {"a/b": "c.d", "sharp": ""}, "note": "for\n7s ☺"}),
        ({"labels": {"no-such": None}}, {"labels": {"a/b": "c.d", "sharp": ""}, "note": "for\n7s ☺"}),
        ({"note": None}, {"labels": {"a/b": "c.d", "sharp": ""}, "note": ""}),
        ({"labels": None, "note": "n"}, {"labels": {}, "note": "n"}),
    ]
    for patch, expected in steps:
        assert said(http, model, patch) == expected
    assert http.get(f"/models/{model}").json()["card"] == card


def test_both_media_types_are_taken_and_no_other(http: httpx.Client, model: str) -> None:
    url, body = f"/models/{model}", '{"note": "n"}'
    assert http.patch(url, content=body, headers=MERGE_PATCH).json()["note"] == "n"
    for kind in ("text/plain", "application/json-patch+json", ""):
        problem(http.patch(url, content=body, headers={"content-type": kind}), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"labels": {"": "x"}}, "/labels/"),
        ({"labels": {"-a": ""}}, "/labels/-a"),
        ({"labels": {"a=b": ""}}, "/labels/a=b"),
        ({"labels": {"a" * 65: ""}}, "/labels/" + "a" * 65),
        ({"labels": {"a": "b c"}}, "/labels/a"),
        ({"labels": {"a": 1}}, "/labels/a"),
        ({"labels": ["a"]}, "/labels"),
        ({"labels": {f"l{k}": "" for k in range(33)}}, "/labels"),
        ({"note": "n" * 2001}, "/note"),
        ({"note": 1}, "/note"),
        ({"id": "0"}, "/id"),
    ],
)
def test_what_cannot_be_said_is_refused_and_changes_nothing(
    http: httpx.Client, model: str, patch: dict[str, Any], pointer: str
) -> None:
    before = said(http, model, {"labels": {"kept": ""}, "note": "kept"})
    refused = problem(http.patch(f"/models/{model}", json=patch), 422, "invalid-parameter")
    assert [error["pointer"] for error in refused["errors"]] == [pointer]
    assert said(http, model, {}) == before


def test_a_model_that_is_not_there_has_no_labels(http: httpx.Client) -> None:
    problem(http.patch("/models/0123456789abcdef", json={"note": "n"}), 404, "model-not-found")


def test_models_are_found_by_label_in_pages(http: httpx.Client, shelf: Shelf, tmp_path: Path) -> None:
    models = []
    for seed in range(531, 535):
        save_tiny(tmp_path / str(seed), seed)
        models.append(shelf.add(tmp_path / str(seed)).model_id)
        said(http, models[-1], {"labels": {"found": f"v{seed % 2}"}})

    def found(query: str) -> list[str]:
        ids, url = [], f"/models?limit=1&{query}"
        while url:
            page = http.get(url).json()
            ids += [row["id"] for row in page["data"]]
            url = page["next"]
        return ids

    assert set(found("label=found")) == set(models)
    assert set(found("label=found%3Dv0")) == {models[1], models[3]}
    assert found("label=found=v2") == found("label=found&dataset=mnist") == []
