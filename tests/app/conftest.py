"""The API for its tests, in this process: `http` calls it, and `base` is its URL on a socket.

`service_http` is for the whole service, with processes of its own and a worker.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from cli.redis_server import RedisServer
from core.access import Scope
from core.settings import Settings
from jobs.store import JobStore
from models.shelf import Shelf
from tests.in_process import Api, add_key, client_with, listening, served
from tests.service import Service


@pytest.fixture(scope="session")
def api(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API without a worker. Tests share it, and leave the active model and the settings as they found them."""
    with served(Settings(redis_url=redis_server.url, data_dir=tmp_path_factory.mktemp("api"))) as api:
        yield api


@pytest.fixture(scope="module")
def keyed(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API of its own that asks for keys; its `http` comes with one that may do everything.

    Its keys are in a database of their own, which the fixture `redis` empties too.
    """
    url = f"{redis_server.url.rpartition('/')[0]}/8"
    with served(Settings(redis_url=url, data_dir=tmp_path_factory.mktemp("keyed"))) as api:
        yield api._replace(http=client_with(api, add_key(api, Scope.ADMIN, name="admin")))


@pytest.fixture(scope="session")
def http(api: Api) -> httpx.Client:
    return api.http


@pytest.fixture(scope="session")
def base(api: Api) -> Iterator[str]:
    with listening(api) as base:
        yield base


@pytest.fixture(scope="session")
def services(api: Api) -> Services:
    return api.services


@pytest.fixture(scope="session")
def store(services: Services) -> JobStore:
    return services.store


@pytest.fixture(scope="session")
def shelf(services: Services) -> Shelf:
    return services.shelf


@pytest.fixture(scope="session")
def runs_dir(services: Services) -> Path:
    return services.settings.runs_dir


@pytest.fixture(scope="module")
def service_http(service: Service) -> Iterator[httpx.Client]:
    """For what only processes show, and a worker."""
    with httpx.Client(base_url=service.base, timeout=30) as client:
        yield client
