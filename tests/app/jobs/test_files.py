"""What a run leaves on disk stays to be seen, whatever the job goes through."""

from collections.abc import Iterator

import httpx
import pytest

from core.run_dir import JobDir
from jobs.redis_client import connect
from jobs.store import JobStore
from tests.service import Service, follow, redis_url, wait_until

LONG = {"preset": "smoke", "epochs": 10_000, "publish": "never"}


@pytest.fixture
def store(service: Service) -> Iterator[JobStore]:
    """That of the service, for a worker of our own."""
    client = connect(redis_url(service))
    yield JobStore(client, lease_s=30)
    client.close()


def test_a_run_stays_visible_while_its_job_resumes(http: httpx.Client, service: Service, store: JobStore) -> None:
    job_id: str = http.post("/train", json=LONG).json()["id"]
    wait_until(lambda: len(http.get(f"/jobs/{job_id}/samples").json()["data"]) > 3)
    http.post(f"/jobs/{job_id}/pause")
    follow(http, job_id, "paused")
    files = ("samples", "samples/1", "samples/latest", "checkpoints", "checkpoints/1/generator", "logs", "curves")

    def visible() -> dict[str, bytes]:
        return {name: http.get(f"/jobs/{job_id}/{name}").raise_for_status().content for name in files}

    before = visible()
    assert all(before.values())
    store.resume(job_id)
    claim = store.claim(job_id)  # and this worker is slow to make its folder
    assert claim is not None
    assert claim.job.attempt == 2
    assert not JobDir(service.folder / "runs", job_id).attempt(2).folder.exists()
    assert visible() == before

    store.release(claim)  # or never makes one; the service's own worker goes on
    steps = http.get(f"/jobs/{job_id}").json()["progress"]["step"]
    while http.get(f"/jobs/{job_id}").json()["progress"]["step"] == steps:
        now = visible()
        assert all(now[name] == before[name] for name in ("samples/1", "checkpoints/1/generator"))
        assert now["logs"]
    assert http.get(f"/jobs/{job_id}").json()["attempt"] == 3
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def test_what_may_come_again_is_no_picture_for_ever(http: httpx.Client) -> None:
    job_id: str = http.post("/train", json=LONG).json()["id"]
    wait_until(lambda: len(http.get(f"/jobs/{job_id}/samples").json()["data"]) > 1)
    urls = [f"/jobs/{job_id}/{name}" for name in ("samples/1", "checkpoints/1/generator", "samples/latest")]
    assert [http.get(url).headers["cache-control"] for url in urls] == ["no-cache"] * 3
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")
    caching = [http.get(url).headers["cache-control"] for url in urls]
    assert ["immutable" in one for one in caching] == [True, True, False]


def test_a_damaged_checkpoint_costs_itself_and_not_the_others(http: httpx.Client, service: Service) -> None:
    job_id: str = http.post("/train", json={**LONG, "epochs": 3}).json()["id"]
    follow(http, job_id, "succeeded")
    card = JobDir(service.folder / "runs", job_id).attempt(1).checkpoint(2) / "card.json"
    card.write_bytes(card.read_bytes()[:100])
    for name in ("checkpoints", "curves?format=json"):
        rows = http.get(f"/jobs/{job_id}/{name}").raise_for_status().json()["data"]
        assert [row["epoch"] for row in rows] == [1, 3]
    assert str(card) in service.log("app")
