"""A job that has ended, for whatever reads its files."""

import pytest

from tests.hand_worker import run, submit
from tests.in_process import Api


@pytest.fixture(scope="package")
def job_id(api: Api) -> str:
    return run(api.services, submit(api.http), epochs=1).id
