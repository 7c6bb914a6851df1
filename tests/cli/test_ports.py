import socket

import pytest

from cli.ports import hold_port, port_of


def test_a_held_port_is_nobody_elses_and_a_server_can_listen_on_it_again_and_again() -> None:
    with hold_port() as held:
        address = ("127.0.0.1", port_of(held))
        for _ in range(2):
            with socket.create_server(address) as server, socket.create_connection(address) as client:
                server.accept()[0].close()
                assert client.recv(1) == b""
        for _ in range(2000):
            with hold_port() as other:
                assert port_of(other) != port_of(held)


def test_a_port_that_somebody_listens_on_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(OSError, match="in use"):
        hold_port(port=port_of(server))
