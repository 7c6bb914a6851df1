"""Images from a checkpoint of a job: the same bytes as from the model of its weights, under a URL of their own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from app.images.checkpoints import find_checkpoint
from cli.redis_server import RedisServer
from core.access import ANYBODY, Scope
from core.errors import CheckpointError
from core.settings import Settings
from models.checkpoint import save_checkpoint
from sharing.run_copy import RunCopy
from tests.app.images.reading import pixels
from tests.hand_worker import Attempt, run, submit
from tests.in_process import Api, add_key, bearer, client_with, served
from tests.tiny import networks, tiny_recipe, training_record

KEPT = ("etag", "cache-control", "content-location", "x-seed", "x-model-id")


@pytest.fixture(scope="module")
def ended(api: Api) -> str:
    return run(api.services, submit(api.http)).id


@pytest.fixture
def running(api: Api) -> Iterator[Attempt]:
    attempt = Attempt(api.services, submit(api.http))
    attempt.epoch(1)
    yield attempt
    api.http.post(f"/jobs/{attempt.claim.job.id}/cancel").raise_for_status()
    api.services.store.release(attempt.claim)


def redo(attempt: Attempt, epoch: int, seed: int) -> str:
    """Let an epoch come again with other weights; their id."""
    folder, recipe = attempt.run.checkpoint(epoch), tiny_recipe(seed=seed, classes=10)
    shutil.rmtree(folder, ignore_errors=True)
    record = training_record(recipe).model_copy(update={"epoch": epoch})
    return save_checkpoint(folder, *networks(recipe, seed), record).model_id


def test_a_checkpoint_draws_as_the_model_of_its_weights(http: httpx.Client, services: Services, ended: str) -> None:
    listed = http.get(f"/jobs/{ended}/checkpoints").json()["data"]
    for one in listed:
        answer = http.get(f"{one['generate']}&seed=3&n=4&pad=0").raise_for_status()
        assert answer.headers["x-model-id"] == one["id"]
        assert answer.headers["content-location"].endswith(f"&format=png&model={ended}@{one['epoch']}")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    published = http.get(f"/generate?model={listed[-1]['id']}&seed=3&n=4&pad=0")
    assert (pixels(published) == pixels(answer)).all()
    assert services.renderer.loaded().count(listed[-1]["id"]) == 1
    assert http.get(answer.headers["content-location"]).content == answer.content


@pytest.mark.parametrize(
    "query", ["seed=1", "seed=1&n=3&digit=123", "seed=4&format=json&n=2", "interpolate=1,2&frames=3&n=1&format=gif"]
)
def test_it_is_the_same_after_a_restart_and_known_again(
    http: httpx.Client, services: Services, ended: str, query: str
) -> None:
    url = f"/generate?model={ended}@1&{query}"
    first = http.get(url).raise_for_status()
    with served(services.settings) as again:
        second = again.http.get(url)
        assert second.content == first.content
        assert [second.headers[name] for name in KEPT] == [first.headers[name] for name in KEPT]
        known = again.http.get(url, headers={"if-none-match": first.headers["etag"]})
    assert (known.status_code, known.headers["etag"]) == (304, first.headers["etag"])


@pytest.mark.parametrize(("word", "epoch"), [("best", 2), ("latest", 2)])
def test_a_word_stands_for_an_epoch(http: httpx.Client, ended: str, word: str, epoch: int) -> None:
    answer = http.get(f"/generate?model={ended}@{word}&seed=1").raise_for_status()
    named = http.get(f"/generate?model={ended}@{epoch}&seed=1")
    assert answer.headers["cache-control"] == "no-cache"
    assert (answer.content, answer.headers["etag"]) == (named.content, named.headers["etag"])
    assert answer.headers["content-location"] == named.headers["content-location"]


def test_an_epoch_that_comes_again_has_another_tag(http: httpx.Client, running: Attempt) -> None:
    url = f"/generate?model={running.claim.job.id}@1&seed=1"
    before = http.get(url).raise_for_status()
    assert before.headers["cache-control"] == "no-cache"
    other = redo(running, 1, seed=77)
    after = http.get(url, headers={"if-none-match": before.headers["etag"]})
    assert (after.status_code, after.headers["x-model-id"]) == (200, other)
    assert after.headers["etag"] != before.headers["etag"]
    assert after.headers["content-location"] == before.headers["content-location"]
    assert after.content != before.content


def test_an_epoch_that_comes_again_while_it_is_read_is_never_half_of_each(api: Api, running: Attempt) -> None:
    """Or else other weights would be in memory under the id of the model that they replaced."""
    name, models = f"{running.claim.job.id}@1", api.services.renderer.models
    redo(running, 1, seed=80)
    before = api.portal.call(find_checkpoint, api.services, ANYBODY, name)
    other = redo(running, 1, seed=79)
    with pytest.raises(CheckpointError):
        api.portal.call(before.generator, models)
    assert before.card.model_id not in api.services.renderer.loaded()
    shutil.rmtree(running.run.checkpoint(1))
    with pytest.raises(CheckpointError):
        api.portal.call(before.generator, models)
    redo(running, 1, seed=79)
    assert api.http.get(f"/generate?model={name}&seed=1").headers["x-model-id"] == other


def test_a_damaged_checkpoint_draws_nothing(http: httpx.Client, running: Attempt) -> None:
    weights = running.run.checkpoint(1) / "generator.safetensors"
    redo(running, 1, seed=78)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    answer = http.get(f"/generate?model={running.claim.job.id}@1&seed=1")
    assert (answer.status_code, answer.json()["type"]) == (503, "model-not-ready")


def test_a_png_says_which_checkpoint_and_which_weights(http: httpx.Client, ended: str, running: Attempt) -> None:
    def inspect(png: httpx.Response) -> dict[str, object]:
        headers = {"content-type": "image/png"}
        said: dict[str, object] = http.post("/inspect", content=png.content, headers=headers).raise_for_status().json()
        return said

    png = http.get(f"/generate?model={ended}@2&seed=5&n=2")
    said = inspect(png)
    assert (said["model"], said["weights"]) == (f"{ended}@2", png.headers["x-model-id"])
    assert (said["on_shelf"], said["seed"], said["n"]) == (True, 5, 2)
    assert http.get(str(said["url"])).content == png.content
    redo(running, 1, seed=81)
    unpublished = http.get(f"/generate?model={running.claim.job.id}@1&seed=5")
    assert inspect(unpublished)["on_shelf"] is False
    model = http.get("/generate?seed=1")
    assert inspect(model)["weights"] == inspect(model)["model"] == model.headers["x-model-id"]


def test_what_is_not_there_is_named(http: httpx.Client, services: Services, ended: str) -> None:
    def detail(model: str) -> tuple[int, str]:
        answer = http.get(f"/generate?model={model}&seed=1")
        return answer.status_code, answer.json()["detail"]

    model = http.get(f"/jobs/{ended}").json()["model"]
    epochs = f"there are: [1, 2]; its model is {model}"
    assert detail(f"{ended}@9") == (404, f"job {ended} has no checkpoint of epoch 9; {epochs}")
    assert detail(f"{'0' * 16}@1") == (404, f"no job '{'0' * 16}'")
    waiting = submit(http)
    assert detail(f"{waiting}@latest") == (404, f"job {waiting} has no checkpoint yet")
    assert detail(f"{waiting}@best") == (404, f"job {waiting} has no checkpoint yet")
    http.post(f"/jobs/{waiting}/cancel").raise_for_status()
    for bad in (f"{ended}@0", f"{ended}@01", f"{ended}@last", f"{ended}@", "@1", f"{ended}@1@1", "../x@1"):
        assert detail(bad)[0] == 404


def test_a_deleted_job_draws_no_more_and_its_model_does(http: httpx.Client, services: Services) -> None:
    job = run(services, submit(http))
    url = f"/generate?model={job.id}@2&seed=1"
    there = http.get(url).raise_for_status()
    http.delete(f"/jobs/{job.id}").raise_for_status()
    for asked in (http.get(url), http.get(url, headers={"if-none-match": there.headers["etag"]})):
        assert (asked.status_code, asked.json()["type"]) == (404, "job-not-found")
    assert http.get(f"/generate?model={job.model_id}&seed=1").status_code == 200


def test_only_who_may_see_the_job_draws_from_it(keyed: Api) -> None:
    owner = client_with(keyed, add_key(keyed, Scope.GENERATE, Scope.JOBS_READ, Scope.JOBS_WRITE, name="owner"))
    job = run(keyed.services, submit(owner))
    url = f"/generate?model={job.id}@1&seed=1"
    answer = owner.get(url).raise_for_status()
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert keyed.http.get(url).content == answer.content  # the admin's
    stranger = client_with(keyed, add_key(keyed, Scope.GENERATE, Scope.JOBS_READ, name="stranger"))
    unknown = stranger.get(f"/generate?model={'0' * 16}@1&seed=1").json()
    told = stranger.get(url, headers={"if-none-match": answer.headers["etag"]})
    assert (told.status_code, told.json()["detail"]) == (404, unknown["detail"].replace("0" * 16, job.id))
    drawer = add_key(keyed, Scope.GENERATE, name="drawer")
    refused = keyed.http.get(url, headers=bearer(drawer))
    assert (refused.status_code, refused.json()["type"]) == (403, "missing-scope")


def test_another_machine_draws_the_same(redis_server: RedisServer, tmp_path: Path) -> None:
    here, there = (
        Settings(redis_url=redis_server.url, data_dir=tmp_path / name, store_url=(tmp_path / "store").as_uri())
        for name in ("here", "there")
    )
    (tmp_path / "store").mkdir()
    with served(here) as one, served(there) as other:
        attempt = Attempt(one.services, submit(one.http))
        for epoch in (1, 2):
            attempt.epoch(epoch)
        copy = one.services.runs.copy_of(attempt.claim.job, attempt.run)
        assert isinstance(copy, RunCopy)
        assert one.services.store.beat(attempt.claim, saved=copy.save()) == "ok"
        url = f"/generate?model={attempt.succeed().id}@1&seed=1"
        ours, theirs = one.http.get(url).raise_for_status(), other.http.get(url).raise_for_status()
        assert theirs.content == ours.content
        assert [theirs.headers[name] for name in KEPT] == [ours.headers[name] for name in KEPT]


def test_a_checkpoint_has_the_directions_of_its_weights(http: httpx.Client, ended: str) -> None:
    model = http.get(f"/jobs/{ended}").json()["model"]
    answer = http.get(f"/models/{ended}@2/directions").raise_for_status()
    assert answer.json()["data"] == http.get(f"/models/{model}/directions").json()["data"]
    assert "immutable" in answer.headers["cache-control"]
    assert http.get(f"/models/{ended}@best/directions").headers["cache-control"] == "no-cache"
    assert http.get(f"/models/{ended}@9/directions").status_code == 404
    nudged = http.get(f"/generate?model={ended}@2&seed=1&nudge=0:2").raise_for_status()
    assert (pixels(nudged) == pixels(http.get(f"/generate?model={model}&seed=1&nudge=0:2"))).all()
