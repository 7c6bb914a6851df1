"""A route that costs little: its query is parsed once for each query string, and nothing else is resolved.

FastAPI takes about as long to resolve a dozen parameters as G takes to draw a digit. It still documents the route from
its endpoint's signature.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from app.http.guard import guarded
from app.http.parameters import query_model
from app.http.recent import LONGEST, Recent


class QueryRoute(APIRoute):
    """A route whose endpoint takes a request, the services, and a query: a model that forbids other parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        endpoint, model, parsed = self.endpoint, query_model(self), Recent[BaseModel]()

        async def handle(request: Request) -> Response:
            text: bytes = request.scope["query_string"]
            short = len(text) <= LONGEST
            query = parsed.get(text, lambda: _parse(model, text)) if short else _parse(model, text)
            response: Response = await endpoint(request, request.app.state.services, query)
            return response

        return guarded(self, handle)


def _parse(model: type[BaseModel], text: bytes) -> BaseModel:
    values = dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in error.errors()]) from None
