"""Without keys the API serves this machine alone."""

import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from access.key_file import write_keys
from access.required import check_start, is_local, marker, require
from core.errors import StartError
from core.ports import listen
from core.settings import Settings

LOCAL = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "localhost", ""]
PUBLIC = [
    "0.0.0.0",
    "::",
    "192.168.1.20",
    "10.0.0.1",
    "fe80::1%eth0",
    "::ffff:10.0.0.1",
    "digits.example",
    "127.0.0.1.example",
]


@pytest.mark.parametrize("address", LOCAL + PUBLIC)
def test_loopback_addresses_are_local_and_no_others(address: str) -> None:
    assert is_local(address) == (address in LOCAL)


def settings_of(folder: Path, **values: Any) -> Settings:
    return Settings(data_dir=folder, **values)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_socket_that_others_reach_is_refused_until_there_is_a_key(tmp_path: Path, host: str) -> None:
    sockets = listen(host, 0)
    try:
        with pytest.raises(StartError, match="digitforge keys create") as refused:
            check_start(settings_of(tmp_path), sockets)
        assert f"DIGITFORGE_HOST = {host!r}" in str(refused.value)
        require(marker(settings_of(tmp_path)))
        check_start(settings_of(tmp_path), sockets)
    finally:
        for one in sockets:
            one.close()


def test_a_file_of_keys_is_enough_if_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with socket.create_server(("0.0.0.0", 0)) as public:
        with pytest.raises(StartError, match="DIGITFORGE_KEYS_FILE"):
            check_start(settings_of(tmp_path, keys_file=path), [public])
        write_keys(path, [])
        check_start(settings_of(tmp_path, keys_file=path), [public])


def test_where_docker_publishes_it_counts_and_not_where_it_listens(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        check_start(settings_of(tmp_path, published_host="127.0.0.1"), [everywhere])
        with pytest.raises(StartError, match=r"DIGITFORGE_PUBLISHED_HOST = '0\.0\.0\.0'"):
            check_start(settings_of(tmp_path, published_host="0.0.0.0"), [everywhere])


def test_this_machine_is_served_without_keys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as local, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
        check_start(settings_of(tmp_path), [local, unix])
        assert not caplog.records
        with caplog.at_level(logging.WARNING):
            check_start(settings_of(tmp_path, proxies=("10.0.0.1",)), [local])
        assert "DIGITFORGE_PROXIES" in caplog.text
