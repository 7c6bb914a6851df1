from collections.abc import Iterator

import pytest
from redis import Redis

from app.http.services import Services
from jobs.redis_client import connect


@pytest.fixture
def own_redis(services: Services) -> Iterator[Redis]:
    """The API's Redis, as it is."""
    client = connect(services.settings.redis_url)
    yield client
    client.close()
