from pathlib import Path

import httpx

from tests.service import Service, follow, wait_until


def test_a_workers_settings_reach_its_trainers(tmp_path: Path) -> None:
    settings = {"cuda_graph": "false", "trainer_threads": "2"}
    with Service(tmp_path / "var", **settings) as service, httpx.Client(base_url=service.base, timeout=30) as http:
        job = http.post("/train", json={"preset": "smoke", "precision": "bfloat16", "publish": "never"}).json()
        wait_until(service.trainers)
        arguments = Path(f"/proc/{service.trainers()[0]}/cmdline").read_text().split("\0")
        job = follow(http, job["id"], "succeeded")
    assert "--no-cuda-graph" in arguments
    assert arguments[arguments.index("--threads") + 1] == "2"
    assert arguments[arguments.index("--device") + 1] == "cpu"
    assert job["recipe"]["precision"] == "bfloat16"
