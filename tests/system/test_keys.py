"""Keys on a whole service, whose API has several processes: made before it starts, revoked while it runs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.freezing import frozen
from tests.in_process import bearer
from tests.service import Service, wait_until
from tests.system.test_readme import typed

GENERATE = "/generate?n=1&seed=1"
IN_A_ROW = 12  # each on a connection of its own: no process is left out


def keys(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "cli.main", "keys", *arguments]
    own = os.environ | {"DIGITFORGE_DATA_DIR": str(folder)}
    return subprocess.run(command, env=own, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keyed-service")


@pytest.fixture(scope="module")
def admin(folder: Path) -> str:
    return keys(folder, "create", "ops", "--scope", "admin")


@pytest.fixture(scope="module")
def service(folder: Path, admin: str) -> Iterator[Service]:
    """A service that other machines reach, since it has a key."""
    with Service(folder, host="0.0.0.0", api_processes="2") as running:
        yield running


def statuses(service: Service, key: str, method: str = "GET", url: str = GENERATE) -> set[int]:
    return {
        httpx.request(method, service.base + url, headers=bearer(key), timeout=30).status_code for _ in range(IN_A_ROW)
    }


def test_each_process_knows_a_new_key_at_once_and_soon_that_it_is_revoked(
    service: Service, folder: Path, admin: str
) -> None:
    assert httpx.get(service.base + GENERATE).status_code == 401
    key = keys(folder, "create", "gallery", "--scope", "generate")
    assert statuses(service, key) == {200}
    keys(folder, "revoke", key[3:11])
    wait_until(lambda: 200 not in statuses(service, key))
    assert statuses(service, key) <= {401, 429}  # whoever goes on trying is not answered
    assert statuses(service, admin) == {200}


def test_while_redis_hangs_known_keys_draw_and_change_nothing(service: Service, admin: str) -> None:
    assert statuses(service, admin) == {200}
    active = httpx.get(f"{service.base}/models/active", headers=bearer(admin)).json()["id"]
    with frozen(service.redis()):
        wait_until(lambda: statuses(service, admin, "PUT", "/models/active") == {503})
        assert statuses(service, admin) == {200}
        assert httpx.get(f"{service.base}/models/{active}", headers=bearer(admin)).status_code == 200
    wait_until(lambda: statuses(service, admin, "PUT", "/models/active") == {422})  # it has no body


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_the_readme_says_how_to_draw_with_a_key(service: Service, admin: str, tmp_path: Path) -> None:
    (line,) = typed("Publish it")
    own = line.replace("curl", "curl --fail", 1).replace("localhost:8000", service.base)
    subprocess.run(own, shell=True, check=True, cwd=tmp_path, env=os.environ | {"KEY": admin})
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")
