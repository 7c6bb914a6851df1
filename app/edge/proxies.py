"""Reverse proxies: what a proxy says of the client, and of the URL that it asked for.

The headers count on connections from the addresses in `DIGITFORGE_PROXIES` alone. `X-Forwarded-Host` must be a host
that this server answers to, like any `Host`: behind DNS rebinding, a web page can send the header too.
"""

import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.edge.origin import AllowedHosts
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, answer
from app.http.urls import root_path
from core.setting_types import ROOT_PATH

FORWARDED = (b"x-forwarded-host", b"x-forwarded-prefix")


class BelieveProxies:
    """Takes client and scheme from trusted proxies as uvicorn does, and the host and the root path as well."""

    def __init__(self, app: ASGIApp, proxies: Sequence[str], root: str, hosts: AllowedHosts) -> None:
        """`root` is the root path where no proxy names one."""
        believing = ProxyHeadersMiddleware(app, list(proxies))  # type: ignore[arg-type]
        self._trusted = believing.trusted_hosts if proxies else ()
        self._app: ASGIApp = believing if proxies else app  # type: ignore[assignment]
        self._root, self._hosts = root, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as the client sent it to the proxy."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        root = scope.get("root_path", "") or self._root
        client = scope.get("client")
        if self._trusted and client and client[0] in self._trusted:
            said = {name: value for name, value in scope["headers"] if name in FORWARDED}
            self._take_host(scope, said.get(b"x-forwarded-host"))
            if b"x-forwarded-prefix" in said:
                root = said[b"x-forwarded-prefix"].decode("latin-1").rstrip("/")
        if not root:
            await self._app(scope, receive, send)
        elif re.fullmatch(ROOT_PATH, root):
            await self._pass_below(root, scope, receive, send)
        else:
            detail = f"X-Forwarded-Prefix is {root!r}; allowed: a path such as /digits"
            await answer(scope, ProblemError(ProblemType.BAD_REQUEST, detail))(scope, receive, send)

    def _take_host(self, scope: Scope, host: bytes | None) -> None:
        """Put the host that the proxy names in the place of its own, unless that one is unknown itself."""
        own = dict(scope["headers"]).get(b"host", b"")
        if host is not None and own in self._hosts:
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [(b"host", host), *others]

    async def _pass_below(self, root: str, scope: Scope, receive: Receive, send: Send) -> None:
        scope["root_path"] = root
        if not f"{scope['path']}/".startswith(f"{root}/"):  # the proxy has cut it off
            scope["path"] = root + scope["path"]
            scope["raw_path"] = root.encode() + scope.get("raw_path", b"")
        token = root_path.set(root)
        try:
            await self._app(scope, receive, send)
        finally:
            root_path.reset(token)
