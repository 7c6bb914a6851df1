"""DELETE /datasets/{dataset}: the pixels go for good, and nothing that needs them is surprised."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from app.http.services import Services
from core.dataset_card import CARD
from tests.app.datasets.making import shelve
from tests.app.http.test_errors import problem
from tests.hand_worker import Attempt
from tests.imported import colourful


def train(http: httpx.Client, dataset: str) -> str:
    answer = http.post("/train", json={"dataset": dataset, "batch_size": 8})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("by", ["name", "id"])
def test_the_images_and_all_names_are_gone_and_the_card_stays(http: httpx.Client, services: Services, by: str) -> None:
    images = colourful(20, 16, seed=50)
    card = shelve(services, images, [k % 2 for k in range(20)], ["a", "b"], name="first")
    shelve(services, images, [k % 2 for k in range(20)], ["a", "b"], name="second")
    assert http.get("/datasets/second").json()["names"] == ["first", "second"]
    gone = http.delete("/datasets/first" if by == "name" else f"/datasets/{card.dataset_id}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert [path.name for path in services.datasets.folder(card.dataset_id).iterdir()] == [CARD]
    for name in ("first", "second"):
        problem(http.get(f"/datasets/{name}"), 404, "dataset-not-found")
    shown = http.get(f"/datasets/{card.dataset_id}").json()
    assert (shown["state"], shown["names"], shown["card"]["sha256"]) == ("deleted", [], card.sha256)
    assert http.delete(f"/datasets/{card.dataset_id}").status_code == 204  # once more changes nothing
    shutil.rmtree(services.datasets.folder(card.dataset_id))


def test_it_is_kept_while_a_job_needs_it(http: httpx.Client, services: Services) -> None:
    card = shelve(services, colourful(20, 16, seed=51), name="needed")
    other = shelve(services, colourful(20, 16, seed=52), name="other")
    queued, paused, running = train(http, "needed"), train(http, card.dataset_id), train(http, "needed")
    train(http, "other")
    http.post(f"/jobs/{paused}/pause")
    attempt = Attempt(services, running)
    refused = problem(http.delete("/datasets/needed"), 409, "dataset-in-use")
    assert all(job_id in refused["detail"] for job_id in (queued, paused, running))
    assert services.datasets.has_images(card.dataset_id)
    for job_id in (queued, paused):
        http.post(f"/jobs/{job_id}/cancel")
    assert running in problem(http.delete("/datasets/needed"), 409, "dataset-in-use")["detail"]
    services.store.release(attempt.claim)
    http.post(f"/jobs/{running}/cancel")
    assert http.delete("/datasets/needed").status_code == 204
    assert not services.datasets.has_images(card.dataset_id)
    assert services.datasets.has_images(other.dataset_id)


def test_a_job_that_comes_while_its_data_set_is_deleted_is_refused(http: httpx.Client, services: Services) -> None:
    """The request has found the images, and waits for whoever deletes them."""
    card, shelf = shelve(services, colourful(20, 16, seed=53), name="going"), services.datasets
    with ThreadPoolExecutor(1) as pool:
        with shelf.changing():
            answer = pool.submit(http.post, "/train", json={"dataset": "going", "batch_size": 8})
            with pytest.raises(TimeoutError):
                answer.result(timeout=1)
            shelf.delete(card.dataset_id)
        refused = problem(answer.result(), 422, "invalid-parameter")
    assert "was deleted" in refused["errors"][0]["detail"]


def test_a_folder_of_the_server_is_not_deleted(http: httpx.Client) -> None:
    problem(http.delete("/datasets/mnist"), 404, "dataset-not-found")
    assert http.get("/datasets").json()["folders"] == ["mnist"]
