"""A store for the sweeper."""

import pytest
from redis import Redis

from jobs.store import JobStore
from tests.jobs.claims import wait_for_uptime


@pytest.fixture
def patient(redis: Redis) -> JobStore:
    """A store with so short a lease that Redis has been up for longer than it."""
    wait_for_uptime(redis, 1)
    return JobStore(redis, lease_s=0.5)
