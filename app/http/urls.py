"""The URLs that the service gives away, with the path that a proxy serves it under."""

from contextvars import ContextVar

from starlette.types import Scope

# The path that comes before every route of the current request, such as `/digits`. `app/edge/proxies.py` sets it.
root_path: ContextVar[str] = ContextVar("root_path", default="")


def url(path: str) -> str:
    """A route's path as the client of the current request reaches it."""
    return root_path.get() + path


def route_path(scope: Scope) -> str:
    """The path of a request without the root path."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
