"""DELETE /models/{model_id}: gone on every path, in every process, whatever is in memory; and never another picture."""

from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from core.settings import Settings
from models.shelf import Shelf
from tests.app.http.test_errors import problem
from tests.hand_worker import run, submit
from tests.in_process import Api, served
from tests.tiny import save_tiny


def add(shelf: Shelf, folder: Path, seed: int) -> str:
    if not (folder / str(seed)).exists():
        save_tiny(folder / str(seed), seed, classes=10, dataset="deleting")
    return shelf.add(folder / str(seed)).model_id


def test_a_model_is_gone_for_every_process_and_comes_back_the_same(api: Api, shelf: Shelf, tmp_path: Path) -> None:
    model, http = add(shelf, tmp_path, 541), api.http
    pictures = [f"/generate?model={model}&seed=3", f"/generate?model={model}&n=4&seed=1&format=json"]
    with served(api.services.settings) as other:  # another process's view of the same folder
        before = [http.get(url).raise_for_status() for url in pictures]
        assert [other.http.get(url).content for url in pictures] == [answer.content for answer in before]
        gone = http.delete(f"/models/{model}")
        assert (gone.status_code, gone.content) == (204, b"")
        for client in (http, other.http):
            for url, known in zip(pictures, before, strict=True):
                assert "was deleted at" in problem(client.get(url), 404, "model-not-found")["detail"]
                problem(client.get(url, headers={"if-none-match": known.headers["etag"]}), 404, "model-not-found")
            for url in (f"/models/{model}", f"/generate?model={model}"):
                problem(client.get(url), 404, "model-not-found")
            problem(client.put("/models/active", json={"model": model}), 404, "model-not-found")
            problem(client.delete(f"/models/{model}"), 404, "model-not-found")
            problem(client.patch(f"/models/{model}", json={"note": "n"}), 404, "model-not-found")
            assert client.get(f"/v1/models/{model}").status_code == 404
            wanted = {"prompt": "7", "model": model}
            assert client.post("/v1/images/generations", json=wanted).json()["error"]["code"] == "model-not-found"
            assert model not in client.get("/models?limit=100").text + client.get("/v1/models").text
        png = before[0].content
        inspected = http.post("/inspect", content=png, headers={"content-type": "image/png"}).json()
        assert (inspected["model"], inspected["on_shelf"]) == (model, False)
        assert add(shelf, tmp_path, 541) == model
        for client in (http, other.http):
            assert [client.get(url).content for url in pictures] == [answer.content for answer in before]


def test_active_models_and_those_before_are_kept(http: httpx.Client, shelf: Shelf, tmp_path: Path) -> None:
    shipped = shelf.active()
    first, second, third = (add(shelf, tmp_path, seed) for seed in (542, 543, 544))
    for model in (first, second, third):
        http.put("/models/active", json={"model": model, "dataset": "deleting"}).raise_for_status()
    for model, why in ((shipped, "ships"), (third, "is active"), (second, "`previous`")):
        assert why in problem(http.delete(f"/models/{model}"), 409, "model-in-use")["detail"]
        assert http.get(f"/generate?model={model}").status_code == 200
    assert http.delete(f"/models/{first}").status_code == 204
    assert http.put("/models/active", json={"model": "previous", "dataset": "deleting"}).json()["id"] == second


@pytest.mark.parametrize("model", ["..", "active", "0123456789abcdef", "notes", "deleted", ".lock"])
def test_nothing_else_of_the_shelf_is_deleted(http: httpx.Client, shelf: Shelf, settings: Settings, model: str) -> None:
    before = sorted(settings.shelf_dir.rglob("*"))
    assert http.delete(f"/models/{model}").status_code in (404, 405)
    assert sorted(settings.shelf_dir.rglob("*")) == before


@pytest.fixture
def settings(services: Services) -> Settings:
    return services.settings


def test_the_job_that_made_it_still_answers(http: httpx.Client, services: Services) -> None:
    job_id = submit(http)
    run(services, job_id, epochs=1)
    before = http.get(f"/jobs/{job_id}").json()
    assert before["status"] == "succeeded"
    assert http.delete(f"/models/{before['model']}").status_code == 204
    assert http.get(f"/jobs/{job_id}").json() == before
    assert http.get(f"/jobs/{job_id}/checkpoints/1/generator").status_code == 200
    problem(http.get(before["links"]["generate"]), 404, "model-not-found")
