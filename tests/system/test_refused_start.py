"""What keeps the service from starting is named, before anything starts."""

import socket
from pathlib import Path

import pytest

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
