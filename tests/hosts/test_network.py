import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.network import MARK, Network, why_there_is_none
from tests.programs import running

ANSWER_S = 30.0
DIES_WITH_A_NETWORK = """
import os
from tests.hosts.network import Network
Network(["a"]).__enter__()
os._exit(0)
"""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    if reason := why_there_is_none():
        pytest.skip(reason)
    with Network(["a", "b"]) as network:
        yield network


def test_a_host_is_reached_until_it_is_cut_off_and_again_when_it_is_mended(network: Network, tmp_path: Path) -> None:
    serve = "import socket; s = socket.create_server(('', 80)); print(flush=True); [s.accept() for _ in iter(int, 1)]"
    command = [*network.command("a", tmp_path), sys.executable, "-c", serve]
    with running(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        assert _is_reached(network, "a", ANSWER_S)
        network.cut("a")
        assert not _is_reached(network, "a", 0.3)
        network.mend("a")
        assert _is_reached(network, "a", ANSWER_S)
        server.kill()


def test_a_host_has_a_name_and_address_of_its_own_and_does_not_see_what_is_hidden(
    network: Network, tmp_path: Path
) -> None:
    (tmp_path / "of-the-other").touch()
    script = "import os, socket; print(os.getpid(), socket.gethostname(), os.listdir(os.environ['HIDDEN']))"
    command = [*network.command("b", tmp_path), sys.executable, "-c", script]
    with running(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"HIDDEN": str(tmp_path)}) as host:
        assert host.stdout is not None
        assert host.stdout.read().split() == [str(host.pid), "host-b", "[]"]
    assert [path.name for path in tmp_path.iterdir()] == ["of-the-other"]
    assert socket.gethostname() != "host-b"


@pytest.mark.usefixtures("network")
def test_what_a_killed_process_left_is_removed_by_the_next_one() -> None:
    with running([sys.executable, "-c", DIES_WITH_A_NETWORK]) as killed:
        assert killed.wait() == 0
    left = f"{MARK}{killed.pid}"
    assert left in _links()
    probe = subprocess.run(
        [sys.executable, "-c", "from tests.hosts.network import why_there_is_none as why; assert why() is None"],
        check=False,
    )
    assert probe.returncode == 0
    assert left not in _links()


def _is_reached(network: Network, host: str, timeout_s: float) -> bool:
    try:
        socket.create_connection((network.address_of(host), 80), timeout_s).close()
    except OSError:
        return False
    return True


def _links() -> str:
    return subprocess.run(["ip", "link"], check=True, capture_output=True, text=True).stdout
