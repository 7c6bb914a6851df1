"""The contract holds from outside: schemathesis finds nothing in what /openapi.json promises, with keys on.

`SCHEMATHESIS_EXAMPLES` is the number of examples an operation; `make contract` takes 200.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from access.key_file import write_keys
from access.key_record import NewKey
from cli.redis_server import RedisServer
from core.access import Scope
from core.ports import listen, port_of
from tests.service import wait_until

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "10")
STOP_S = 20
KEY = NewKey.make("contract", [Scope.ADMIN])


@pytest.fixture
def api(redis_server: RedisServer, tmp_path: Path) -> Iterator[str]:
    """The URL of an API without a worker, which would train whatever recipes come."""
    write_keys(tmp_path / "keys.json", [KEY.record])
    own = {
        "DIGITFORGE_REDIS_URL": f"{redis_server.url.rpartition('/')[0]}/10",  # keys are made there
        "DIGITFORGE_DATA_DIR": str(tmp_path / "var"),
        "DIGITFORGE_KEYS_FILE": str(tmp_path / "keys.json"),
    }
    (listening,) = listen("127.0.0.1", 0)
    with listening, (tmp_path / "app.log").open("wb") as log:
        base, fd = f"http://127.0.0.1:{port_of(listening)}", listening.fileno()
        command = [sys.executable, "-m", "app", f"--fd={fd}"]
        process = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log, pass_fds=[fd])
    try:
        wait_until(lambda: _is_ready(base), timeout_s=60)
        yield base
    finally:
        process.terminate()
        process.wait(STOP_S)
    assert "Traceback" not in (tmp_path / "app.log").read_text()


def _is_ready(base: str) -> bool:
    try:
        return httpx.get(f"{base}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def test_schemathesis_finds_nothing(api: str, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("st")), "--config-file", str(ROOT / "schemathesis.toml")]
    options = [
        "--header",
        f"Authorization: Bearer {KEY.text}",
        "--max-examples",
        EXAMPLES,
        "--seed",
        "1",
        "--continue-on-failure",
        "--no-color",
    ]
    found = subprocess.run(
        [*command, "run", f"{api}/openapi.json", *options],
        cwd=tmp_path,  # where it leaves its files
        env=os.environ | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.app.http.contract_hooks"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
