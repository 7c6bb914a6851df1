"""How the commands begin: in folders of any name, with our own modules, and with a line for what cannot work."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.service import Service, children, follow

DIGITFORGE = str(Path(sys.executable).with_name("digitforge"))
COMMANDS = {
    "up": [DIGITFORGE, "up"],
    "app": [sys.executable, "-I", "-m", "app"],
    "worker": [sys.executable, "-I", "-m", "worker"],
}
# Names that others give to their packages as well.
TAKEN = ("access", "app", "bench", "cli", "core", "jobs", "models", "tests", "webhooks", "worker")
OF_OTHERS = ("queue", "redis", "celery", "torch")


def train(service: Service) -> None:
    with httpx.Client(base_url=service.base, timeout=30) as http:
        job = http.post("/train", json={"preset": "smoke", "publish": "never"}).raise_for_status().json()
        follow(http, job["id"], "succeeded")
        assert http.get(f"/generate?model={http.get(job['links']['self']).json()['model']}").status_code == 200


def test_a_data_folder_may_have_any_name(tmp_path: Path) -> None:
    with Service(tmp_path / 'it\'s "my" data, données 数据 \\ # $HOME\n%s') as service:
        train(service)


def test_our_own_modules_run_wherever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("here", "there"):
        for name in TAKEN:
            (tmp_path / place / name).mkdir(parents=True)
            (tmp_path / place / name / "__init__.py").write_text(f"raise SystemExit('somebody else\\'s {name}')")
        for name in OF_OTHERS:
            (tmp_path / place / f"{name}.py").write_text(f"raise SystemExit('somebody else\\'s {name}')")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "there"))
    with Service(tmp_path / "var", command=[DIGITFORGE, "up"]) as service:
        train(service)


def refused(command: list[str], folder: Path, **settings: str) -> str:
    """What a command that cannot start says: one line, and it ends by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGITFORGE_")}
    environment |= {"DIGITFORGE_DATA_DIR": str(folder / "var"), "DIGITFORGE_PORT": "0"}
    environment |= {f"DIGITFORGE_{name.upper()}": value for name, value in settings.items()}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2, ended
    (line,) = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("up", "a file"),
        ("up", "a link to nowhere"),
        ("up", "no right"),
        ("worker", "below a file"),
        ("worker", "too long"),
        ("app", "nowhere"),
    ],
)
def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path, command: str, what: str) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch()
    link.symlink_to(tmp_path / "there" / "is" / "none")
    folder = {
        "a file": file,
        "below a file": file / "var",
        "a link to nowhere": link,
        "no right": Path("/sys/digitforge"),
        "nowhere": Path("/proc/digitforge"),
        "too long": tmp_path / ("x" * 300),
    }[what]
    line = refused(COMMANDS[command], tmp_path, data_dir=str(folder))
    assert line.startswith(f"error: DIGITFORGE_DATA_DIR = '{folder}': ")
    assert line.endswith("; allowed: a folder that this user can make and write in")


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("up", "heartbeat_s", "100"),
        ("up", "data_dir", "~nobody-of-this-name/var"),
        ("worker", "lease_s", "inf"),
        ("worker", "devices", "tpu"),
        ("worker", "devices", "cuda:9"),
        ("app", "redis_url", "localhost:6379"),
        ("app", "datasets_dir", "/nowhere"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, command: str, name: str, value: str) -> None:
    line = refused(COMMANDS[command], tmp_path, **{name: value})
    assert re.match(rf"error: DIGITFORGE_{name.upper()} = .*{value}.*: ", line)


@pytest.mark.parametrize(("command", "host"), [("up", ".local"), ("up", "203.0.113.7"), ("app", "a..b")])
def test_a_host_that_is_none_is_one_line(tmp_path: Path, command: str, host: str) -> None:
    line = refused(COMMANDS[command], tmp_path, host=host)
    assert line.startswith(f"error: DIGITFORGE_HOST:DIGITFORGE_PORT = '{host}:0': ")


def test_what_keeps_redis_from_starting_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "var" / "redis" / "appendonlydir" / "appendonly.aof.manifest").mkdir(parents=True)
    environment = os.environ | {"DIGITFORGE_DATA_DIR": str(tmp_path / "var"), "DIGITFORGE_PORT": "0"}
    ended = subprocess.run(COMMANDS["up"], env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: Redis did not start: ")
    assert "appendonly.aof.manifest" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::", "[::1]"])
def test_ipv6_addresses_are_served_on(tmp_path: Path, host: str) -> None:
    with Service(tmp_path, host=host, published_host="::1") as service:  # or `::` would ask for a key first
        port = service.base.rpartition(":")[2]
        assert httpx.get(f"{service.base}/healthz", timeout=30).status_code == 200
        if host == "::":
            assert service.base == f"http://[::1]:{port}"
            assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30).status_code == 200


def test_a_terminal_that_closes_stops_the_whole_service(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        left_behind = children(service.process.pid)
        service.process.send_signal(signal.SIGHUP)
        assert service.process.wait(40) == 0
        assert len(left_behind) == 3
        assert not any(Path(f"/proc/{pid}").exists() for pid in left_behind)
