"""Which devices a worker trains on, and one job at a time on each. CPUs by other names stand for GPUs."""

from pathlib import Path

import httpx
import pytest
import torch

from core.errors import StartError
from tests.service import Service, follow, wait_until
from worker.devices import count_gpus, devices_of

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


@without_gpu
def test_auto_is_the_cpu_where_there_is_no_gpu() -> None:
    assert count_gpus() == 0
    assert devices_of("auto") == ["cpu"]


@without_gpu
@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "cpu,cuda:1"])
def test_a_gpu_that_is_not_there_is_refused_by_its_name(wanted: str) -> None:
    with pytest.raises(StartError, match=r"DIGITFORGE_DEVICES = .*: torch sees no cuda:\d here; allowed: auto, cpu"):
        devices_of(wanted)


def test_a_device_may_be_named_twice() -> None:
    assert devices_of("cpu,cpu") == ["cpu", "cpu"]


def test_each_device_carries_one_job_at_a_time(tmp_path: Path) -> None:
    long = {"preset": "smoke", "epochs": 500, "publish": "never"}
    with (
        Service(tmp_path / "var", devices="cpu:0,cpu:1") as service,
        httpx.Client(base_url=service.base, timeout=30) as http,
    ):
        jobs = [http.post("/train", json=long).json()["id"] for _ in range(3)]
        wait_until(lambda: all(http.get(f"/jobs/{job}").json()["device"] for job in jobs[:2]), 60)
        first, second, third = (http.get(f"/jobs/{job}").json() for job in jobs)
        assert {first["device"], second["device"]} == {"cpu:0", "cpu:1"}
        assert third["status"] == "queued"

        http.post(f"/jobs/{first['id']}/cancel")
        follow(http, first["id"], "cancelled")
        wait_until(lambda: http.get(f"/jobs/{third['id']}").json()["device"], 60)
        assert http.get(f"/jobs/{third['id']}").json()["device"] == first["device"]  # the one that is free
        for job in (second["id"], third["id"]):
            http.post(f"/jobs/{job}/cancel")
            follow(http, job, "cancelled")
