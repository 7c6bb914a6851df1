"""What keeps the service from starting is named, before anything starts."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.schema import note
from core.startup import EXIT_REFUSED, PYTHON
from jobs.keys import SCHEMA_KEY
from tests.service import Service


def test_a_wrong_setting_is_named_at_the_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="did not start"), Service(tmp_path, datasets_dir=str(tmp_path / "none")):
        pass
    assert "DIGITFORGE_DATASETS_DIR" in capfd.readouterr().err


def test_a_second_start_on_the_same_data_is_refused(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="did not start"), Service(service.folder):
        pass
    assert "is in use by another" in capfd.readouterr().err


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(AssertionError, match="did not start"), Service(tmp_path, port=port):
            pass
    error = capfd.readouterr().err
    assert f"127.0.0.1:{port}': Address already in use" in error
    assert "DIGITFORGE_PORT" in error
    assert not (tmp_path / "redis" / "redis.conf").exists()


def test_an_address_that_others_reach_needs_keys(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="did not start"), Service(tmp_path, host="0.0.0.0"):
        pass
    error = capfd.readouterr().err
    assert "error: DIGITFORGE_HOST = '0.0.0.0'" in error
    assert "digitforge keys create" in error
    assert not (tmp_path / "redis" / "redis.conf").exists()


def test_an_inherited_socket_that_others_reach_needs_keys(tmp_path: Path) -> None:
    own = {"DIGITFORGE_DATA_DIR": str(tmp_path), "DIGITFORGE_HOST": "127.0.0.1"}
    with socket.create_server(("0.0.0.0", 0)) as public:
        command = [*PYTHON, "-m", "app", f"--fd={public.fileno()}"]
        ended = subprocess.run(
            command, env=os.environ | own, pass_fds=[public.fileno()], capture_output=True, text=True, check=False
        )
    assert (ended.returncode, "error: DIGITFORGE_HOST = '0.0.0.0'" in ended.stderr) == (2, True)


@pytest.mark.parametrize("module", ["app", "worker"])
def test_data_of_a_newer_version_is_refused(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, module: str
) -> None:
    def refusal() -> str:
        command = [*PYTHON, "-m", module]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert ended.returncode == EXIT_REFUSED
        return ended.stderr

    environment = os.environ | {"DIGITFORGE_DATA_DIR": str(tmp_path), "DIGITFORGE_REDIS_URL": redis_server.url}
    redis.set(SCHEMA_KEY, "99")
    assert "error: digitforge:schema = 99: written by a newer version" in refusal()
    note(tmp_path, "99")
    assert f"error: {tmp_path}/schema = 99: written by a newer version" in refusal()


def test_a_data_folder_of_a_newer_version_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    note(tmp_path, "99")
    with pytest.raises(AssertionError, match="did not start"), Service(tmp_path):
        pass
    assert "schema = 99: written by a newer version" in capfd.readouterr().err
