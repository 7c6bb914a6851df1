"""The real parts that tests run on: a Redis of our own, and the whole service as `digitforge up` starts it.

Tests that start processes get the marker `system` here, never by hand.
"""

import signal
from collections.abc import Iterator

import httpx
import pytest
from redis import Redis

from cli.redis_server import RedisServer
from jobs.redis_client import connect
from jobs.store import JobStore
from tests.object_servers import LentStore, SeaweedFS
from tests.processes import starts_processes
from tests.service import Service

LEASE_S = 30.0

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and what is started here would ignore it too


@pytest.hookimpl(tryfirst=True)  # before -m is applied
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the marker `system` to the tests that start processes; `make unit` runs the others."""
    for item in items:
        if starts_processes(item):
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    client = connect(redis_server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def url_apart(redis_server: RedisServer) -> str:
    """The URL of a database for keys: an API of other tests on the same one would ask for them."""
    return f"{redis_server.url.rpartition('/')[0]}/11"


@pytest.fixture
def redis_apart(url_apart: str) -> Iterator[Redis]:
    """That database, empty."""
    client = connect(url_apart)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def store(redis: Redis) -> JobStore:
    return JobStore(redis, LEASE_S)


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A real S3 server. Who kills or freezes it leaves it running."""
    with SeaweedFS(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture
def s3_server(seaweedfs: SeaweedFS) -> LentStore:
    """A part of that server for one test."""
    return seaweedfs.lend()


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service on a free port."""
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def service(shared_service: Service) -> Iterator[Service]:
    """The service that all modules share. Tests leave it as they found it; of the active model this is checked."""
    models = f"{shared_service.base}/models"
    before = httpx.get(models).json()["active"]
    yield shared_service
    after = httpx.get(models).json()["active"]
    httpx.put(f"{models}/active", json={"model": before}).raise_for_status()
    assert after == before, "the tests of this module have left another model active"


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.base, timeout=30) as client:
        yield client
