"""What a client makes is its own: to others, on each route, it is not there. `admin` sees all."""

import json
import re
from typing import NamedTuple

import httpx
import pytest

from core.access import Scope
from tests.app.http.test_errors import problem
from tests.app.http.test_every_route import GUARDED
from tests.app.paths import url_of_nothing
from tests.hand_worker import SMOKE, run, submit
from tests.in_process import Api, add_key, client_with
from tests.jobs.claims import SPEC

OF_JOBS = [route for route in GUARDED if "{job_id}" in route]
OF_UPLOADS = [route for route in GUARDED if "{upload_id}" in route]
PRIVATE = ["GET /jobs/{job_id}/deliveries"]  # the URL of a webhook may have a secret in it
NOBODY = {"job_id": "0" * 16, "upload_id": "0" * 32}
OFFSET = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}


class World(NamedTuple):
    mine: httpx.Client
    theirs: httpx.Client
    watching: httpx.Client
    queued: str
    ended: str
    nobodys: str  # of the time before there were keys
    upload: str


@pytest.fixture(scope="module")
def world(keyed: Api) -> World:
    both = (Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.DATASETS_WRITE)
    mine, theirs = (client_with(keyed, add_key(keyed, *both)) for _ in range(2))
    ended = submit(mine)
    run(keyed.services, ended)
    nobodys = keyed.services.store.create(SPEC).job.id
    upload = mine.post("/uploads", headers={"Upload-Length": "5"}).raise_for_status().json()["id"]
    watching = client_with(keyed, add_key(keyed, Scope.WATCH))
    return World(mine, theirs, watching, submit(mine), ended, nobodys, upload)


def without_id(refused: httpx.Response, kind: str) -> str:
    """What is said of something that is not there, but for which request asked, and what for."""
    return re.sub(r"'[0-9a-f]+'", "<id>", json.dumps({**problem(refused, 404, kind), "request_id": None}))


def url(path: str, **ids: str) -> str:
    return path.format(**{"epoch": "1", "part": "generator", "webhook_id": "none"} | NOBODY | ids)


@pytest.mark.parametrize("route", OF_JOBS)
def test_the_job_of_another_client_is_not_there(keyed: Api, world: World, route: str) -> None:
    method, path = route.split(" ", 1)
    nothing = world.theirs.request(method, url(path))
    for job_id in (world.queued, world.ended):
        refused = world.theirs.request(method, url(path, job_id=job_id))
        assert without_id(refused, "job-not-found") == without_id(nothing, "job-not-found")
    assert keyed.http.get(f"/jobs/{world.queued}").json()["status"] == "queued"
    assert keyed.http.get(f"/jobs/{world.ended}").json()["status"] == "succeeded"


@pytest.mark.parametrize("route", [route for route in OF_JOBS if route.startswith("GET ")])
def test_ones_own_job_is_there_and_admin_sees_it_too(keyed: Api, world: World, route: str) -> None:
    path = route.split(" ", 1)[1]
    for client in (world.mine, keyed.http):
        assert "job-not-found" not in client.get(url(path, job_id=world.ended)).text


@pytest.mark.parametrize("route", OF_UPLOADS)
def test_the_upload_of_another_client_is_not_there(keyed: Api, world: World, route: str) -> None:
    method, path = route.split(" ", 1)
    refused = world.theirs.request(method, url(path, upload_id=world.upload), headers=OFFSET, content=b"12345")
    nothing = world.theirs.request(method, url(path), headers=OFFSET, content=b"12345")
    assert without_id(refused, "upload-not-found") == without_id(nothing, "upload-not-found")
    for client in (world.mine, keyed.http):
        assert client.get(f"/uploads/{world.upload}").json()["offset"] == 0


def test_nobody_imports_the_upload_of_another_client(world: World) -> None:
    problem(world.theirs.post(f"/datasets?name=own&upload={world.upload}"), 404, "upload-not-found")
    problem(world.mine.post(f"/datasets?name=own&upload={world.upload}"), 409, "upload-incomplete")


def test_a_client_lists_its_own_jobs_and_admin_all(keyed: Api, world: World) -> None:
    def listed(client: httpx.Client, query: str = "") -> list[str]:
        return [job["id"] for job in client.get(f"/jobs?{query}").json()["data"]]

    assert listed(world.mine) == [world.queued, world.ended]
    assert listed(world.mine, "status=queued") == [world.queued]
    assert listed(world.mine, f"after={world.queued}&limit=1") == [world.ended]
    assert listed(world.theirs) == []
    assert {world.queued, world.ended, world.nobodys} <= set(listed(keyed.http, "limit=100"))
    problem(world.theirs.get(f"/jobs?after={world.queued}"), 404, "job-not-found")


def test_a_job_from_before_there_were_keys_is_admins(keyed: Api, world: World) -> None:
    problem(world.mine.get(f"/jobs/{world.nobodys}"), 404, "job-not-found")
    assert keyed.http.get(f"/jobs/{world.nobodys}").status_code == 200


def test_each_client_has_idempotency_keys_of_its_own(world: World) -> None:
    key = {"Idempotency-Key": "one"}
    first, second, again = (submit(client, SMOKE, **key) for client in (world.mine, world.theirs, world.mine))
    assert first == again != second
    for client, job_id in ((world.mine, first), (world.theirs, second)):
        client.post(f"/jobs/{job_id}/cancel").raise_for_status()
        client.delete(f"/jobs/{job_id}").raise_for_status()


@pytest.mark.parametrize("route", [route for route in OF_JOBS if route.startswith("GET ")])
def test_who_watches_sees_the_jobs_of_everybody(world: World, route: str) -> None:
    path = route.split(" ", 1)[1]
    for job_id in (world.ended, world.nobodys) if "events" not in route else (world.ended,):
        seen, owned = (client.get(url(path, job_id=job_id)) for client in (world.watching, world.mine))
        if route in PRIVATE:
            problem(seen, 403, "missing-scope")
        elif job_id == world.ended:
            assert (seen.status_code, seen.content[:9]) == (owned.status_code, owned.content[:9])
        else:
            assert "job-not-found" not in seen.text
    assert [job["id"] for job in world.watching.get("/jobs?limit=100").json()["data"]].count(world.ended) == 1


@pytest.mark.parametrize("route", [route for route in GUARDED if not route.startswith("GET ")])
def test_who_watches_changes_nothing(world: World, route: str) -> None:
    method, path = route.split(" ", 1)
    if path in ("/inspect", "/v1/images/generations", "/estimates"):  # which keep nothing
        return
    ours = path.replace("{job_id}", world.queued).replace("{upload_id}", world.upload)
    answer = world.watching.request(method, url_of_nothing(ours))
    problem(answer, 403, "missing-scope")


def test_who_watches_and_trains_changes_its_own_jobs_alone(keyed: Api, world: World) -> None:
    both = client_with(keyed, add_key(keyed, Scope.WATCH, Scope.JOBS_WRITE, Scope.DATASETS_WRITE))
    assert both.get(f"/jobs/{world.queued}").status_code == 200
    for change in ("cancel", "pause", "resume"):
        problem(both.post(f"/jobs/{world.queued}/{change}"), 403, "missing-scope")
    problem(both.delete(f"/jobs/{world.ended}"), 403, "missing-scope")
    problem(both.get(f"/uploads/{world.upload}"), 404, "upload-not-found")
    assert both.get("/webhooks").json()["data"] == []
    own = submit(both)
    assert both.post(f"/jobs/{own}/cancel").status_code == 202
    both.delete(f"/jobs/{own}").raise_for_status()


def test_the_use_and_the_keys_of_others_are_not_for_who_watches(world: World) -> None:
    assert world.watching.get("/usage").status_code == 200
    for path in ("/usage?key=aaaaaaaa", "/keys", "/workers", "/webhooks"):
        problem(world.watching.get(path), 403, "missing-scope")
