"""GET /workers."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from app.http.services import Services
from jobs.workers import LaneReport, WorkerReport


@pytest.fixture
def worker(services: Services) -> Iterator[WorkerReport]:
    told = WorkerReport(
        id="w1",
        host="here",
        pid=7,
        version="0.1.0",
        started_at=datetime(2026, 11, 26, tzinfo=UTC),
        devices=("cuda:0",),
        listens=True,
        swept_at=datetime(2026, 11, 27, tzinfo=UTC),
    )
    services.workers.tell(told)
    yield told
    services.workers.forget("w1")


def test_no_worker_is_an_empty_list(http: httpx.Client) -> None:
    assert http.get("/workers").json() == {"data": []}


def test_a_worker_is_shown_with_its_lanes(http: httpx.Client, services: Services, worker: WorkerReport) -> None:
    services.workers.tell_of_lane("w1", "0", LaneReport(pid=8, job_id="0a1b", attempt=2))
    assert http.get("/workers").json()["data"] == [
        {
            "id": "w1",
            "host": "here",
            "pid": 7,
            "version": "0.1.0",
            "started_at": "2026-11-26T00:00:00Z",
            "healthy": False,
            "fault": "no word for 10 s from its lanes: import",
            "draining": False,
            "swept_at": "2026-11-27T00:00:00Z",
            "lanes": [
                {"name": "0", "device": "cuda:0", "alive": True, "pid": 8, "job": "0a1b", "attempt": 2},
                {"name": "import", "device": None, "alive": False, "pid": None, "job": None, "attempt": None},
            ],
        }
    ]
    services.workers.tell_of_lane("w1", "import", LaneReport(pid=9))
    assert http.get("/workers").json()["data"][0]["healthy"]
