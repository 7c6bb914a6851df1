"""Where a webhook's URL leads, and which addresses may be reached.

A URL comes from a client, and the server that calls it stands in a network that the client does not see. So a host name
is resolved once, every address that it has must be allowed, and the connection is made to one of these very addresses:
a name that resolves to something else a moment later leads nowhere else.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Self

from pydantic_core import Url

from core.errors import WebhookUnreachable
from core.settings import Settings

Address = IPv4Address | IPv6Address
Resolver = Callable[[str], list[Address]]  # raises OSError

MAX_URL = 2048
DEFAULT_PORTS = {"http": 80, "https": 443}
PUBLIC_PORTS = (80, 443, 8080, 8443)

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Of IANA's special-purpose address registries: what some versions of Python take for global, and leads elsewhere.
SPECIAL = [
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]


@dataclass(frozen=True)
class Target:
    """A URL in parts, as WHATWG's URL standard reads it."""

    scheme: str
    host: str  # a name in ASCII, or an address without brackets
    port: int
    path: str  # with the query

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL. ValueError says what is wrong and what is allowed."""
        allowed = "allowed: http:// or https://, a host, perhaps a port, a path and a query"
        if len(url) > MAX_URL:
            raise ValueError(f"a URL of {len(url)} characters; allowed: up to {MAX_URL}")
        try:
            read = Url(url)
        except ValueError as error:
            raise ValueError(f"no URL; {allowed}") from error
        scheme, _, rest = url.partition("://")
        authority = re.split(r"[/\\?#]", rest)[0]
        if scheme.lower() not in DEFAULT_PORTS or not authority or not read.host:
            raise ValueError(f"no URL of HTTP; {allowed}")
        if "@" in authority:
            raise ValueError(f"it holds a user name or a password; {allowed}")
        if read.fragment is not None:
            raise ValueError(f"it has a fragment, which is never sent; {allowed}")
        if read.host.endswith("."):
            raise ValueError(f"its host ends with a dot; {allowed}")
        path = (read.path or "/") + (f"?{read.query}" if read.query else "")
        return cls(read.scheme, read.host.removeprefix("[").removesuffix("]"), read.port or 0, path)

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True)
class Reach:
    """Which addresses webhooks may lead to in this deployment."""

    public: bool
    names: frozenset[str]
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings have it."""
        networks = [ipaddress.ip_network(host) for host in settings.webhook_hosts if _is_network(host)]
        names = frozenset(host for host in settings.webhook_hosts if not _is_network(host))
        return cls(settings.webhooks == "public", names, tuple(networks))

    def addresses(self, target: Target, resolve: Resolver) -> list[Address]:
        """The addresses of a target, each of which may be reached. Raises WebhookUnreachable.

        The error is the same for a name that does not exist and for one that leads inside, so that nobody learns from
        it what there is inside.
        """
        try:
            found = resolve(target.host)
        except (OSError, UnicodeError) as error:
            raise WebhookUnreachable(target.host) from error
        if not found or not all(self._allows(target, address) for address in found):
            raise WebhookUnreachable(target.host)
        return found

    def _allows(self, target: Target, address: Address) -> bool:
        address = _inner(address)
        if address.is_multicast or address.is_unspecified:
            return False
        if target.host in self.names or any(address in network for network in self.networks):
            return True
        return self.public and target.port in PUBLIC_PORTS and is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address is that of one machine on the public Internet, and nothing else."""
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    special = any(address in network for network in SPECIAL)
    return address.is_global and not address.is_multicast and not address.is_reserved and not special


def resolve(host: str) -> list[Address]:
    """All addresses of a host, as the system has them. Raises OSError."""
    rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(row[4][0])) for row in rows]


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_network(host: str) -> bool:
    return "/" in host
