"""Who may connect: so many connections in all, and so many of each address.

A proxy in `DIGITFORGE_PROXIES` connects for many, so that only the first bound is for it. An IPv6 host has a whole /64
to connect from, which counts as one address.
"""

import logging
import time
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from app.slots import AllTaken, OwnTaken, Slots

RETRY = {"Retry-After": "5"}
NOTED_EACH_S = 60.0

logger = logging.getLogger(__name__)


class Door:
    """Lets connections in while there is room for them. For use on one thread of each process."""

    def __init__(self, slots: Slots, per_address: int, proxies: Iterable[str]) -> None:
        """`proxies` are networks."""
        self._slots, self._per_address = slots, per_address
        networks = [ip_network(proxy) for proxy in proxies]
        self._is_proxy = lru_cache(1024)(lambda address: any(ip_address(address) in network for network in networks))
        self._noted_at = -NOTED_EACH_S

    def enter(self, address: str | None) -> int:
        """A place for a connection, until it leaves. None is a client without an address. Raises ProblemError."""
        most = None if address is None or self._is_proxy(address) else self._per_address
        try:
            return self._slots.take(_owner(address or ""), most)
        except OwnTaken:
            detail = f"{address} has {most} connections open, which is the most that an address may have"
            raise self._noted(ProblemError(ProblemType.TOO_MANY_CONNECTIONS, detail, headers=RETRY)) from None
        except AllTaken:
            detail = f"{self._slots.most} connections are open, which is the most that may be"
            raise self._noted(ProblemError(ProblemType.CONNECTIONS_FULL, detail, headers=RETRY)) from None

    def leave(self, place: int) -> None:
        """Give the place of a connection to others."""
        self._slots.give_back(place)

    def _noted(self, error: ProblemError) -> ProblemError:
        """Log it, unless another one was logged just before."""
        if time.monotonic() - self._noted_at >= NOTED_EACH_S:
            self._noted_at = time.monotonic()
            logger.warning("connections are refused: %s", error.detail)
        return error


def plain(address: str) -> str:
    """An IPv4 address as such, also where a socket of both families has it as `::ffff:192.0.2.1`."""
    if not address.startswith("::ffff:"):
        return address
    mapped = IPv6Address(address).ipv4_mapped
    return str(mapped) if mapped else address


def _owner(address: str) -> str:
    if ":" not in address:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))
