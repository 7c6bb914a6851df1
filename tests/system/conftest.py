"""A service that a test may stop, kill and start again."""

from pathlib import Path

import pytest

from tests.service import Service


@pytest.fixture
def own_service(tmp_path: Path) -> Service:
    return Service(tmp_path)
