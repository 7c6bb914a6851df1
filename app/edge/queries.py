"""Query parameters: each once, because nobody can tell which of two values is meant."""

from collections import defaultdict
from collections.abc import Awaitable
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.problems import FieldProblem, answer, not_accepted


class RefuseDoubles:
    """Refuses a query with a parameter that is given twice (422)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and _may_double(scope["query_string"]):
            faults = _doubles(scope["query_string"])
            if faults:
                return answer(scope, not_accepted(faults))(scope, receive, send)
        return self._app(scope, receive, send)


def _may_double(query: bytes) -> bool:
    """A quick look: most queries have no two names alike, and none that is escaped."""
    names = [parameter.partition(b"=")[0] for parameter in query.split(b"&")]
    return len(set(names)) < len(names) or any(b"%" in name or b"+" in name for name in names)


def _doubles(query: bytes) -> list[FieldProblem]:
    values = defaultdict(list)
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        values[name].append(value)
    return [
        FieldProblem(parameter=name, detail=f"given {len(given)} times; allowed: once", value=given)
        for name, given in values.items()
        if len(given) > 1
    ]
