import socket
from contextlib import ExitStack

import pytest

from core.errors import StartError
from core.ports import hold_port, listen, port_of


def test_a_held_port_is_not_given_away_and_a_server_can_listen_on_it_again_and_again() -> None:
    with hold_port() as held:
        address = ("127.0.0.1", port_of(held))
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(address)
        for _ in range(2):
            with socket.create_server(address) as server, socket.create_connection(address) as client:
                server.accept()[0].close()
                assert client.recv(1) == b""


def reached(host: str, *addresses: str) -> None:
    """Fail unless a server on a host is reached at each address, and nobody else can take its port."""
    with ExitStack() as stack:
        listening = [stack.enter_context(bound) for bound in listen(host, 0)]
        port = port_of(listening[0])
        for address in addresses:
            socket.create_connection((address, port), timeout=5).close()
        with pytest.raises(StartError, match=f"^DIGITFORGE_HOST:DIGITFORGE_PORT = .*:{port}': Address already in use"):
            listen(host, port)


def test_an_address_is_listened_on() -> None:
    reached("127.0.0.1", "127.0.0.1")
    reached("0.0.0.0", "127.0.0.1")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_every_address_of_a_host_is_listened_on() -> None:
    reached("::1", "::1")
    reached("::", "::1", "127.0.0.1")
    reached("0::0", "::1", "127.0.0.1")
    reached("localhost", *{found[4][0] for found in socket.getaddrinfo("localhost", 0)})  # type: ignore[arg-type]


@pytest.mark.parametrize("host", [".local", "a..b", "no-such-name.invalid", "a" * 300, "203.0.113.7", "a b", "::1::"])
def test_a_host_that_cannot_be_listened_on_is_named(host: str) -> None:
    with pytest.raises(StartError) as refused:
        listen(host, 0)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"DIGITFORGE_HOST:DIGITFORGE_PORT = '{host}:0': ")
    assert line.endswith("; allowed: an address of this machine, and a port on it that is free; port 0 takes any")


def test_what_is_accepted_is_known_to_be_tcp() -> None:
    """asyncio sets TCP_NODELAY only then; without it an answer in two parts takes 40 ms."""
    (listening,) = listen("127.0.0.1", 0)
    with listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP
