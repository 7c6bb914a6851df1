"""Who may ask: programs, this server's own pages and those of listed origins, but no page of another site.

Any web page can make its visitor's browser send a request here. The browser says where the request comes from: in
`Sec-Fetch-Site` over HTTPS and on loopback addresses, and in `Origin` with every unsafe method. Programs send neither.

A page can also let its own name resolve to this server's address (DNS rebinding). It is of the same origin then, but
the `Host` that its requests carry is its own name, and unknown here. An IP address in `Host` cannot be rebound.
"""

import re
from collections.abc import Awaitable, Iterable
from functools import lru_cache
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, answer
from app.http.sources import SAFE, is_own

LOOPBACK = "localhost"

_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]*)?", re.IGNORECASE)


class AllowedHosts:
    """The hosts that this server answers for: loopback names, IP addresses, and the names of the settings."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {LOOPBACK, *(name.lower() for name in names)}
        self._allows = lru_cache(1024)(self._look_up)

    def __contains__(self, host: bytes) -> bool:
        """Whether a `Host` header, with or without a port, is one of them."""
        return self._allows(host)

    def _look_up(self, host: bytes) -> bool:
        found = _AUTHORITY.fullmatch(host.decode("latin-1"))
        if not found:
            return False
        address, name = found.groups()
        return _is_address(address or name) or (name or "").lower().removesuffix(".") in self._names


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class RefuseStrangers:
    """Refuses requests for unknown hosts (421), and unsafe ones from pages of other origins (403)."""

    def __init__(self, app: ASGIApp, hosts: AllowedHosts, origins: Iterable[str] = ()) -> None:
        """`origins` are those whose pages may do what this server's own may."""
        self._app, self._hosts = app, hosts
        self._origins = frozenset(origin.encode() for origin in origins)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and (error := self._refusal(scope)):
            return answer(scope, error)(scope, receive, send)
        return self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ProblemError | None:
        hosts, origins, site = [], [], b""
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origins.append(value)
            elif name == b"sec-fetch-site":
                site = value
        if len(hosts) != 1 and (hosts or scope["http_version"] != "1.0"):
            return ProblemError(ProblemType.BAD_REQUEST, f"the request has {len(hosts)} Host headers; allowed: one")
        if hosts and hosts[0] not in self._hosts:
            return _misdirected(hosts[0])
        if scope["method"] in SAFE or site == b"same-origin":
            return None
        if origins and self._origins.issuperset(origins):
            return None
        foreign = [origin for origin in origins if not hosts or not is_own(origin, hosts[0])]
        if foreign or site in (b"same-site", b"cross-site"):
            return _cross_origin(foreign[0] if foreign else site)
        return None


def _misdirected(host: bytes) -> ProblemError:
    detail = (
        f"this server does not answer for the host {host.decode('latin-1')!r}; "
        "allowed: localhost, any IP address, and the names in DIGITFORGE_HOSTS"
    )
    return ProblemError(ProblemType.UNKNOWN_HOST, detail)


def _cross_origin(source: bytes) -> ProblemError:
    detail = (
        f"a page of another origin ({source.decode('latin-1')}) may not change anything here; "
        "allowed: this server's own pages, those of DIGITFORGE_CORS_ORIGINS, and programs that send neither "
        "Origin nor Sec-Fetch-Site"
    )
    return ProblemError(ProblemType.CROSS_ORIGIN, detail)
