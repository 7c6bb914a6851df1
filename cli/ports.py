"""Ports of this machine: listened on before the server that is to answer starts, or held for it."""

import socket

BACKLOG = 2048  # connections that wait to be accepted


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, for 0 on a free port. Raises OSError when it cannot."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def hold_port() -> socket.socket:
    """A socket on a loopback port that was free. As long as it is open, nobody who asks for a free port is given it.

    It does not listen: a server that sets SO_REUSEADDR, as Redis and uvicorn do, can, and again after a restart.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def port_of(bound: socket.socket) -> int:
    """The port that a socket is bound to."""
    return int(bound.getsockname()[1])
