"""Ports of this machine, held for the servers that are to listen on them."""

import socket


def hold_port(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A socket bound to a port, for 0 to a free one, which is given to nobody else until the socket is closed.

    It does not listen, so a server that sets SO_REUSEADDR, as Redis and uvicorn do, can, and again after
    a restart. Raises OSError when the address is not this machine's or somebody listens there.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    held = socket.socket(family, kind, protocol)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
    except OSError:
        held.close()
        raise
    return held


def port_of(held: socket.socket) -> int:
    """The port that a socket is bound to."""
    return int(held.getsockname()[1])
