"""Two APIs of one deployment, each with a folder of its own over one store: a client may ask either."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from cli.redis_server import RedisServer
from core.errors import StoreAway
from core.settings import Settings
from jobs.record import JobStatus
from objects.files import FileStore
from sharing.places import Places
from tests.app.datasets.making import shelve
from tests.app.http.test_errors import problem
from tests.imported import colourful
from tests.in_process import Api, served
from tests.uploaded import archive
from worker.import_supervisor import ImportSupervisor

PART = {"content-type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def apis(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Api]]:
    root = tmp_path_factory.mktemp("two")
    url = f"{redis_server.url.rpartition('/')[0]}/5"
    one, other = (Settings(redis_url=url, data_dir=root / name, store_url=f"file://{root}/store") for name in "ab")
    with served(one) as a, served(other) as b:
        yield a, b


def patch(http: httpx.Client, url: str, offset: int, data: bytes) -> httpx.Response:
    return http.patch(url, content=data, headers={**PART, "upload-offset": str(offset)})


def test_an_upload_begun_at_one_api_goes_on_at_the_other_and_is_imported(apis: tuple[Api, Api]) -> None:
    (a, b), data = apis, archive()
    url = a.http.post("/uploads", headers={"upload-length": str(len(data))}).headers["location"]
    assert patch(a.http, url, 0, data[:1000]).status_code == 204
    assert b.http.head(url).headers["upload-offset"] == "1000"
    conflict = patch(b.http, url, 0, data[:2000])
    assert (conflict.status_code, conflict.headers["upload-offset"]) == (409, "1000")
    assert patch(b.http, url, 1000, data[1000:]).status_code == 204
    shown = a.http.get(url).json()
    assert (shown["complete"], shown["sha256"]) == (True, sha256(data).hexdigest())
    job = a.http.post(f"/datasets?name=parts&upload={shown['id']}")
    assert job.status_code == 202, job.text
    problem(b.http.delete(url), 409, "upload-in-use")
    job_id = carry_out(b.services)
    assert job_id == job.json()["id"]
    dataset = a.http.get(f"/jobs/{job_id}").json()["dataset"]
    for api in apis:
        found = api.http.get("/datasets/parts")  # at once, though nobody has followed the store meanwhile
        assert (found.status_code, found.json()["id"]) == (200, dataset)
    assert problem(a.http.get(url), 404, "upload-not-found")


def test_a_body_that_came_to_one_api_is_a_data_set_of_both_with_the_same_pictures(apis: tuple[Api, Api]) -> None:
    a, b = apis
    assert a.http.post("/datasets?name=body", content=archive(seed=1)).status_code == 202
    carry_out(b.services)
    paths = ("/datasets/body", "/datasets/body/preview.png", "/datasets/body/images/3.png", "/datasets/body/download")
    for path in paths:
        first, second = (api.http.get(path) for api in apis)
        assert (first.status_code, first.content) == (200, second.content)
        assert first.headers.get("etag") == second.headers.get("etag")


def test_a_data_set_that_a_job_of_the_other_api_needs_is_kept(apis: tuple[Api, Api]) -> None:
    a, b = apis
    card = shelve(a.services, colourful(20, 16, seed=1), name="needed")
    job = b.http.post("/train", json={"dataset": "needed", "batch_size": 8})
    assert job.status_code == 202, job.text
    assert job.json()["id"] in problem(a.http.delete("/datasets/needed"), 409, "dataset-in-use")["detail"]
    b.http.post(f"/jobs/{job.json()['id']}/cancel")
    assert a.http.delete("/datasets/needed").status_code == 204
    refused = problem(
        b.http.post("/train", json={"dataset": card.dataset_id, "batch_size": 8}), 422, "invalid-parameter"
    )
    assert "was deleted" in str(refused)
    assert b.http.get(f"/datasets/{card.dataset_id}").json()["state"] == "deleted"
    problem(b.http.get(f"/datasets/{card.dataset_id}/preview.png"), 410, "dataset-deleted")


def test_a_job_that_lost_against_the_deletion_of_its_data_set_is_taken_back(
    apis: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other machine deletes it between the look at the data set and the job."""
    a, b = apis
    shelve(a.services, colourful(20, 16, seed=2), name="lost")
    create, before = b.services.store.create, set(b.services.store.queued_ids("train"))

    def late(*arguments: object, **named: object) -> object:
        assert a.http.delete("/datasets/lost").status_code == 204
        return create(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(b.services.store, "create", late)
    problem(b.http.post("/train", json={"dataset": "lost", "batch_size": 8}), 422, "invalid-parameter")
    assert set(b.services.store.queued_ids("train")) == before


def test_while_the_store_is_away_a_part_is_not_acknowledged_and_goes_on_afterwards(
    apis: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    (a, b), data = apis, archive(seed=3)
    url = a.http.post("/uploads", headers={"upload-length": str(len(data))}).headers["location"]
    assert patch(a.http, url, 0, data[:1000]).status_code == 204
    with monkeypatch.context() as away:
        away.setattr(FileStore, "_put_if", raise_away)
        for answer in (
            patch(a.http, url, 1000, data[1000:]),
            a.http.post("/uploads", headers={"upload-length": "10"}),
            a.http.post("/datasets?name=away", content=data),
        ):
            problem(answer, 503, "store-away")
            assert int(answer.headers["retry-after"]) >= 1
    assert b.http.head(url).headers["upload-offset"] == "1000"
    assert patch(b.http, url, 1000, data[1000:]).status_code == 204
    assert a.http.delete(url).status_code == 204


def raise_away(*_: object) -> None:
    raise StoreAway("the store does not answer")


def carry_out(services: Services) -> str:
    """One import, by the worker of another machine; the id of its job."""
    (job_id,) = services.store.queued_ids("import")
    places = Places.of(services.settings.model_copy(update={"data_dir": Path(services.settings.data_dir, "worker")}))
    assert ImportSupervisor(services.store, places, lambda: False).run()
    assert services.store.get(job_id).status is JobStatus.SUCCEEDED
    return job_id
