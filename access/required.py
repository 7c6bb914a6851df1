"""Whether the API asks for keys: once there was one, or where there is a file of them.

A file in the data directory says so, because Redis may be away when the API starts. It is made before the first key is,
and the service never removes it.
"""

import logging
import socket
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from access.key_file import read_keys
from core.errors import StartError
from core.files import write_file
from core.settings import Settings

logger = logging.getLogger(__name__)

MARKER = "keys-required"
TEXT = b"""The API asks for keys, because one was made. To open it to everybody again, revoke all keys, remove this
file and start it anew.
"""


def marker(settings: Settings) -> Path:
    """The file that says so."""
    return settings.data_dir / MARKER


def require(path: Path) -> None:
    """Have it say so, on disk when this returns. Raises OSError."""
    if not path.exists():
        write_file(path, TEXT)


def are_required(settings: Settings) -> bool:
    """Whether keys are asked for, as far as the disk tells."""
    return settings.keys_file is not None or marker(settings).exists()


def check_start(settings: Settings, sockets: Iterable[socket.socket]) -> None:
    """Refuse to serve without keys what other machines can reach: raises StartError, which says what to do.

    It raises for a file of keys that cannot be read too.
    """
    if settings.keys_file is not None:
        read_keys(settings.keys_file)
    if are_required(settings):
        return
    if settings.published_host is not None:
        name, addresses = "DIGITFORGE_PUBLISHED_HOST", [settings.published_host]
    else:
        name, addresses = "DIGITFORGE_HOST", [_address(one) for one in sockets]
    for address in addresses:
        if not is_local(address):
            raise StartError(
                f"{name} = {address!r}: other machines reach the API there, and without keys anybody could "
                "train and delete; allowed: a loopback address such as 127.0.0.1, or any address once there is a key\n"
                "make one first: digitforge keys create NAME --scope admin (docs/security.md says how)"
            )
    if settings.proxies:
        logger.warning("there are no keys, and whoever the proxies in DIGITFORGE_PROXIES let through may do everything")


def is_local(address: str) -> bool:
    """Whether only this machine reaches an address; empty is a socket without one, such as a Unix socket."""
    if address in ("", "localhost"):
        return True
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _address(listening: socket.socket) -> str:
    is_ip = listening.family in (socket.AF_INET, socket.AF_INET6)
    return str(listening.getsockname()[0]) if is_ip else ""
