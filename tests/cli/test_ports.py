import socket

import pytest

from cli.ports import hold_port, listen, port_of


def test_a_held_port_is_not_given_away_and_a_server_can_listen_on_it_again_and_again() -> None:
    with hold_port() as held:
        address = ("127.0.0.1", port_of(held))
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(address)
        for _ in range(2):
            with socket.create_server(address) as server, socket.create_connection(address) as client:
                server.accept()[0].close()
                assert client.recv(1) == b""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_what_is_listened_on_is_refused_to_others(host: str) -> None:
    with listen(host, 0) as first, pytest.raises(OSError, match="in use"):
        listen(host, port_of(first))
