"""A service that gives up a silent worker or trainer within seconds; the tests of a process share it."""

from collections.abc import Iterator

import httpx
import pytest
from redis import Redis

from jobs.redis_client import connect
from tests.service import Service, redis_url
from tests.system.jobs import LEASE_S, WATCHDOG_S, cancel


@pytest.fixture(scope="session")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that gives up a silent worker or trainer within seconds."""
    folder = tmp_path_factory.mktemp("impatient")
    with Service(folder, lease_s=LEASE_S, watchdog_s=WATCHDOG_S, crash_file=str(folder / "crash")) as running:
        yield running


@pytest.fixture
def http(impatient: Service) -> Iterator[httpx.Client]:
    """Its client. A test that fails leaves no job behind, which would keep the worker from those of the next."""
    with httpx.Client(base_url=impatient.base, timeout=30) as client:
        yield client
        for status in ("queued", "running", "paused"):
            for job in client.get("/jobs", params={"status": status}).json()["data"]:
                cancel(client, job["id"])


@pytest.fixture
def redis(impatient: Service) -> Iterator[Redis]:
    client = connect(redis_url(impatient))
    yield client
    client.close()
