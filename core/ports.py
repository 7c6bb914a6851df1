"""Ports of this machine: listened on before the server that is to answer starts, or held for it."""

import errno
import socket
from contextlib import ExitStack

from core.startup import blaming

LOOPBACK = "127.0.0.1"
BACKLOG = 2048  # connections that wait to be accepted
NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}  # such as ::1 of `localhost` where there is no IPv6
API = "DIGITFORGE_HOST:DIGITFORGE_PORT"  # the settings that name its address


def listen(host: str, port: int, settings: str = API) -> list[socket.socket]:
    """Sockets that listen there, one for each address of the host; for port 0 all on the same free one.

    `::` is every address of the machine, those of IPv4 too. Raises StartError, which names
    the settings, when nothing can listen there.
    """
    allowed = "an address of this machine, and a port on it that is free; port 0 takes any"
    with ExitStack() as undo, blaming(settings, f"{host}:{port}", allowed):
        sockets: list[socket.socket] = []
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = dict.fromkeys((family, address) for family, _, _, _, address in found)
        for family, (name, _, *scope) in addresses:
            try:
                listening = socket.create_server(
                    (name, port, *scope), family=family, backlog=BACKLOG, dualstack_ipv6=name == "::"
                )
            except OSError as error:
                if error.errno in NOT_HERE and (sockets or len(addresses) > 1):
                    continue
                raise
            port = port_of(listening)
            # By its number again, because then it knows that it is TCP. What it accepts knows that from it, and asyncio
            # sets TCP_NODELAY on no other: an answer in two parts would wait 40 ms for the client's acknowledgement.
            sockets.append(undo.enter_context(socket.socket(fileno=listening.detach())))
        undo.pop_all()
    return sockets


def hold_port(host: str = LOOPBACK) -> socket.socket:
    """A socket on a port of an IPv4 address that was free. As long as it is open, nobody who asks for one is given it.

    It does not listen: a server that sets SO_REUSEADDR, as Redis and uvicorn do, can, and again after a restart.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((host, 0))
    return held


def port_of(bound: socket.socket) -> int:
    """The port that a socket is bound to."""
    return int(bound.getsockname()[1])
