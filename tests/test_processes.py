"""Whether a test is a system test is told from what it runs."""

import subprocess
import sys

import pytest

from jobs.store import JobStore
from tests.service import Service


def is_system_test(request: pytest.FixtureRequest) -> bool:
    marker: pytest.Mark | None = request.node.get_closest_marker("system")
    return marker is not None


def helper() -> int:
    return subprocess.run([sys.executable, "-c", ""], check=True).returncode


def test_a_real_redis_alone_is_in_process(request: pytest.FixtureRequest, store: JobStore) -> None:
    assert not is_system_test(request)


def test_a_process_may_be_started_by_a_fixture(request: pytest.FixtureRequest, service: Service) -> None:
    assert is_system_test(request)


def test_a_process_may_be_started_by_a_helper_inside_another(request: pytest.FixtureRequest) -> None:
    assert sorted([2, 1], key=lambda number: number + helper()) == [1, 2]
    assert is_system_test(request)
