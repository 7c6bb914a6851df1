"""The files of a run asked for on a machine that did not run it: the same answers, from the store that both share."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from cli.redis_server import RedisServer
from core.settings import Settings
from sharing.run_copy import RunCopy
from tests.app.jobs.test_files import FILES
from tests.app.jobs.test_reports import REPORT, write
from tests.hand_worker import Attempt, submit
from tests.in_process import Api, served
from tests.jobs.claims import IMPORT

MISSING = ("samples/9", "checkpoints/9/generator", "report", "problems")


class Hosts(NamedTuple):
    """Two APIs with a data directory each. The tests' worker is on the first."""

    here: Api
    there: Api
    store: Path


@pytest.fixture(scope="module")
def hosts(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    store = tmp_path_factory.mktemp("store")
    here, there = (
        Settings(redis_url=redis_server.url, data_dir=tmp_path_factory.mktemp(name), store_url=store.as_uri())
        for name in ("here", "there")
    )
    with served(here) as one, served(there) as other:
        yield Hosts(one, other, store)


def save(hosts: Hosts, attempt: Attempt) -> None:
    services = hosts.here.services
    copy = services.runs.copy_of(attempt.claim.job, attempt.run)
    assert isinstance(copy, RunCopy)
    key = copy.save()
    assert services.store.beat(attempt.claim, saved=key) == "ok"
    copy.clear(key)


@pytest.fixture(scope="module")
def ended(hosts: Hosts) -> str:
    attempt = Attempt(hosts.here.services, submit(hosts.here.http))
    for epoch in (1, 2):
        attempt.epoch(epoch)
    save(hosts, attempt)
    return attempt.succeed().id


def told(answer: httpx.Response) -> tuple[object, ...]:
    headers = ("etag", "cache-control", "content-type", "content-length", "last-modified", "content-disposition")
    return answer.status_code, answer.content, [answer.headers.get(name) for name in headers]


@pytest.mark.parametrize("name", [*FILES, "curves?format=json", "logs?tail=2"])
def test_a_file_is_the_same_on_each_machine(hosts: Hosts, ended: str, name: str) -> None:
    ours, theirs = (host.http.get(f"/jobs/{ended}/{name}") for host in (hosts.here, hosts.there))
    assert ours.status_code == 200
    assert told(theirs) == told(ours)
    if tag := ours.headers.get("etag"):
        known = [host.http.get(f"/jobs/{ended}/{name}", headers={"if-none-match": tag}) for host in hosts[:2]]
        assert [one.status_code for one in known] == [304, 304]
        assert told(known[0]) == told(known[1])


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_missing_on_each_machine(hosts: Hosts, ended: str, name: str) -> None:
    ours, theirs = (host.http.get(f"/jobs/{ended}/{name}") for host in (hosts.here, hosts.there))
    assert ours.status_code == 404
    assert theirs.json() | {"request_id": None} == ours.json() | {"request_id": None}


def test_a_download_goes_on_on_another_machine(hosts: Hosts, ended: str) -> None:
    url = f"/jobs/{ended}/checkpoints/2/generator"
    whole = hosts.here.http.get(url)
    asked = {"range": "bytes=100-", "if-range": whole.headers["etag"]}
    rest = hosts.there.http.get(url, headers=asked)
    assert (rest.status_code, whole.content[:100] + rest.content) == (206, whole.content)
    other = hosts.there.http.get(url, headers=asked | {"if-range": '"another"'})
    assert (other.status_code, other.content) == (200, whole.content)
    by_time = hosts.there.http.get(url, headers=asked | {"if-range": "Thu, 26 Nov 2026 12:00:00 GMT"})
    assert by_time.status_code == 200


def test_a_file_that_a_client_has_is_not_fetched_for_it(hosts: Hosts, ended: str) -> None:
    url = f"/jobs/{ended}/checkpoints/1/discriminator"
    tag = hosts.here.http.get(url).headers["etag"]
    before = set(hosts.there.services.settings.runs_cache_dir.rglob("*"))
    assert hosts.there.http.get(url, headers={"if-none-match": tag}).status_code == 304
    assert set(hosts.there.services.settings.runs_cache_dir.rglob("*")) == before


def test_a_live_run_is_seen_elsewhere_as_of_its_last_save(hosts: Hosts) -> None:
    job_id = submit(hosts.here.http)
    attempt = Attempt(hosts.here.services, job_id)
    assert hosts.there.http.get(f"/jobs/{job_id}/samples").json()["data"] == []
    for epoch in (1, 2):
        attempt.epoch(epoch)
        if epoch == 1:
            save(hosts, attempt)
    urls = [f"/jobs/{job_id}/samples", f"/jobs/{job_id}/checkpoints"]
    assert [[row["epoch"] for row in hosts.there.http.get(url).json()["data"]] for url in urls] == [[0, 1], [1]]
    assert "epoch 1" in hosts.there.http.get(f"/jobs/{job_id}/logs").text
    latest = hosts.there.http.get(f"/jobs/{job_id}/samples/latest")
    assert latest.headers["cache-control"] == "no-cache"
    save(hosts, attempt)
    assert [len(hosts.there.http.get(url).json()["data"]) for url in urls] == [3, 2]
    assert hosts.there.http.get(f"/jobs/{job_id}/samples/latest").headers["etag"] != latest.headers["etag"]
    attempt.succeed()


def test_the_report_of_an_import_is_there_on_each_machine(hosts: Hosts) -> None:
    services = hosts.here.services
    job_id = services.store.create(IMPORT).job.id
    claim = services.store.claim(job_id)
    assert claim is not None
    run = services.runs.of(job_id).attempt(1)
    write(run.folder, REPORT, 3)
    copy = services.runs.copy_of(claim.job, run, "dataset")
    assert isinstance(copy, RunCopy)
    services.store.beat(claim, saved=copy.save())
    for name in ("report", "problems", "problems?limit=1&after=1", "logs"):
        ours, theirs = (host.http.get(f"/jobs/{job_id}/{name}") for host in hosts[:2])
        assert (theirs.status_code, theirs.content) == (ours.status_code, ours.content)
    assert hosts.there.http.get(f"/jobs/{job_id}/report").json()["problems"] == {"blank": 3}


def test_a_job_that_one_machine_deletes_is_gone_from_the_store(hosts: Hosts) -> None:
    job_id = submit(hosts.here.http)
    attempt = Attempt(hosts.here.services, job_id)
    attempt.epoch(1)
    save(hosts, attempt)
    attempt.succeed()
    assert list((hosts.store / "runs").glob(f"{job_id}/*/*"))
    assert hosts.there.http.get(f"/jobs/{job_id}/samples/1").status_code == 200
    assert hosts.there.http.delete(f"/jobs/{job_id}").status_code == 204
    assert not list((hosts.store / "runs").glob(f"{job_id}/*/*"))
    assert not list(hosts.there.services.settings.runs_cache_dir.glob(f"{job_id}/*"))
    assert hosts.there.services.store.deleted_ids() == set()
    for host in hosts[:2]:
        assert host.http.get(f"/jobs/{job_id}/samples/1").json()["type"] == "job-not-found"
