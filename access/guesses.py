"""Wrong keys by the address that they come from: whoever guesses is refused before anything is looked up."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil

from access.gcra import NS, rate
from access.shared_buckets import SharedBuckets

MOST_A_MINUTE = 20
IPV6_PREFIX = 64  # bits: a network of one subscriber
_RATE = rate(MOST_A_MINUTE, 60)


class Guesses:
    """A bucket of wrong keys for each client address, which the processes of an API share."""

    def __init__(self, buckets: SharedBuckets) -> None:
        self._buckets = buckets

    def wait_s(self, address: str) -> int:
        """How long an address may not try another key: 0 for now."""
        level = self._buckets.level(_network(address))
        return ceil((_RATE.wait(level, 1) or 0) / NS) if level else 0

    def add(self, address: str) -> None:
        """Note that a wrong key came from there."""
        self._buckets.take(_network(address), _RATE, 1)


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """The address, or the network of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket has none
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or int(parsed) >> (128 - IPV6_PREFIX))
    return str(parsed)
