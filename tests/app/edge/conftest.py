"""A job that has ended, for whatever reads its files."""

import httpx
import pytest

from tests.service import follow


@pytest.fixture(scope="package")
def job_id(http: httpx.Client) -> str:
    job = http.post("/train", json={"preset": "smoke", "epochs": 1, "publish": "never"}).json()
    return str(follow(http, job["id"], "succeeded")["id"])
