"""What the chart's containers start, started here with their variables: keys, names and probes work as it says."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.chart import KEYED, NAMESPACE, container, environment, one, render
from tests.in_process import bearer
from tests.service import Service, wait_until

POD = {"host": f"digitforge.{NAMESPACE}.svc:8000"}  # as KEDA asks
PASSED_ON = ("HOSTS", "STOP_GRACE_S", "LOG_FORMAT")


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    return render({**KEYED, "worker": {"stopGraceSeconds": 5}})


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory, manifests: list[dict[str, Any]]) -> Iterator[Service]:
    """An API and a worker on one data directory, as in the pod of a first installation."""
    folder, keys = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("keys") / "keys.json"
    keys.write_text(one(manifests, "Secret", "digitforge-keys")["stringData"]["keys.json"])
    variables = environment(container(manifests, "api"))
    settings = {name.lower(): variables[f"DIGITFORGE_{name}"] for name in PASSED_ON}
    with Service(folder, host="0.0.0.0", keys_file=str(keys), api_processes="1", **settings) as service:
        yield service


@pytest.fixture(scope="module")
def http(pod: Service) -> Iterator[httpx.Client]:
    port = pod.base.rpartition(":")[2].strip("/")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client


def test_nobody_gets_in_until_the_first_key_is_made_in_the_pod(pod: Service, http: httpx.Client) -> None:
    wait_until(lambda: http.get("/readyz").status_code == 200, 60)
    assert http.get("/generate?n=1").status_code == 401
    command = [sys.executable, "-m", "cli.main", "keys", "create", "ops", "--scope", "admin"]
    made = subprocess.run(command, env=pod.environment(), capture_output=True, text=True, check=True)
    (key,) = set(re.findall(r"df_[A-Za-z0-9_]+", made.stdout))
    wait_until(lambda: http.get("/generate?n=1", headers=bearer(key)).status_code == 200)
    assert http.get("/metrics", headers=POD).status_code == 401
    told = http.get("/metrics", headers={**POD, **bearer(key)}).raise_for_status().text
    assert "\ndigitforge_jobs_demand 0.0\n" in told


def test_other_names_than_those_of_the_chart_are_refused(http: httpx.Client) -> None:
    assert http.get("/healthz", headers=POD).status_code == 200
    assert http.get("/healthz", headers={"host": "elsewhere.example"}).status_code == 421


def test_the_probes_of_both_containers_find_them_well(
    pod: Service, http: httpx.Client, manifests: list[dict[str, Any]]
) -> None:
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert http.get(container(manifests, "api")[probe]["httpGet"]["path"]).status_code == 200
        python, *command = container(manifests, "worker")[probe]["exec"]["command"]
        assert python == "python"
        wait_until(lambda command=command: _status(pod, command) == 0, 60)


def _status(pod: Service, command: list[str]) -> int:
    root = Path(__file__).resolve().parents[2]
    return subprocess.run([sys.executable, *command], env=pod.environment(), cwd=root, check=False).returncode
