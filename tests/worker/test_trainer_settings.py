import shutil
from pathlib import Path

import httpx
import pytest

from tests.service import Service, follow, wait_until


def test_a_workers_settings_reach_its_trainers(tmp_path: Path) -> None:
    settings = {"cuda_graph": "true", "trainer_threads": "2"}
    with Service(tmp_path / "var", **settings) as service, httpx.Client(base_url=service.base, timeout=30) as http:
        job = http.post("/train", json={"preset": "smoke", "precision": "bfloat16", "publish": "never"}).json()
        wait_until(service.trainers)
        arguments = Path(f"/proc/{service.trainers()[0]}/cmdline").read_text().split("\0")
        job = follow(http, job["id"], "succeeded")
    assert "--cuda-graph" in arguments
    assert arguments[arguments.index("--threads") + 1] == "2"
    assert arguments[arguments.index("--device") + 1] == "cpu"
    assert job["recipe"]["precision"] == "bfloat16"


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine may have a GPU")
def test_a_trainer_that_refuses_its_arguments_fails_the_job_at_once_with_what_it_said(tmp_path: Path) -> None:
    with Service(tmp_path, device="cuda") as service, httpx.Client(base_url=service.base, timeout=30) as http:
        job = http.post("/train", json={"preset": "smoke", "publish": "never"}).json()
        job = follow(http, job["id"], "failed")
    assert job["attempt"] == 1
    assert job["error"]["type"] == "trainer-refused"
    assert job["error"]["detail"].startswith("error: --device: torch sees no CUDA device here; allowed: cpu")
    assert not job["error"]["retryable"]
